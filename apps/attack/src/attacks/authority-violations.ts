/**
 * What the lesser may not do, as parts of combinations: an admin, a member, a reader, a device, a pending leaf. The founder, an owner, is at
 * leaf 0, Ada, another, at 1, and Bo, a member, at 2; `spare` is a leaf that nobody has come to yet. `role`: who steps down does
 * what follows with its lower role, and breaks other rules by it.
 */
import type { FrameOperation, GroupMode } from '@conclave/sealed-group';
import { remove, setRole } from './owner-rules.ts';
import { operation, plan } from './structural-violations.ts';
import type { CommitViolation } from './structural-violations.ts';

const founder = 0;
const ada = 1;
const bo = 2;
const dayMs = 24 * 60 * 60 * 1_000;
const leafProofMode: GroupMode = { leafProof: true, minWriter: 'member', ownDevices: true };

/** By all who have joined: what the plan refuses before it asks for anybody's authority, or beside it. */
export function plainViolations(spare: number): readonly CommitViolation[] {
  return [
    operation('two modes', 'tree/one-mode', ['mode'], () => [setMode({}), setMode({})]),
    // A removal that says it carries out a leave is anybody's to make.
    operation('a leaf removed twice', 'tree/one-operation-per-leaf', [`leaf ${spare}`], () => {
      const leave = new Uint8Array(64).fill(7);
      return [1, 2].map(() => ({ kind: 'remove', leaf: spare, leaveSignature: leave }));
    }),
  ];
}

/** By an administrator: what is wrong with operations that it has the authority for. */
export function administrativeViolations(spare: number): readonly CommitViolation[] {
  return [
    operation('a role that Bo has', 'tree/role-unchanged', ['leaf 2'], () => [setRole(bo, 'member')]),
    operation('a role for a pending leaf', 'tree/set-role-pending', [`leaf ${spare}`], () => [
      setRole(spare, 'reader'),
    ]),
    operation('a leaf that expired yesterday', 'tree/expiry-range', [], (mallory, { frame }) => [
      mallory.newAdd({ expiresAtMs: frame.header.nowMs - dayMs }),
    ]),
    {
      ...operation('a device where none may be', 'tree/devices-off', ['mode'], (mallory) => [
        setMode({ ownDevices: false }),
        mallory.newAdd({ device: true }),
      ]),
      needs: ['role'],
    },
    {
      ...operation('a mode that hides readers', 'tree/leaf-proof-required', ['mode'], () => [
        setMode({ leafProof: false }),
      ]),
      needs: ['role'],
    },
  ];
}

export const adminViolations: readonly CommitViolation[] = [
  operation('an admin lowers an owner', 'tree/owner-target', ['leaf 1'], () => [setRole(ada, 'member')]),
  {
    ...operation('an admin removes an owner', 'tree/owner-target', ['leaf 0'], () => [remove(founder)]),
    needs: ['role'],
  },
  operation('an admin makes another admin', 'tree/role-given', ['leaf 2'], () => [setRole(bo, 'admin')]),
  operation('an admin adds an owner', 'tree/role-given', [], (mallory) => [
    mallory.newAdd({ role: 'owner' }),
  ]),
  operation('an admin’s device is an owner', 'tree/role-given', [], (mallory) => [
    mallory.newAdd({ role: 'owner', device: true }),
  ]),
  operation('an admin lifts itself', 'tree/own-leaf', ['self'], ({ leaf }) => [setRole(leaf, 'owner')]),
  operation('an admin steps down and adds', 'tree/add-authority', ['self', 'role'], (mallory) => [
    setRole(mallory.leaf, 'member'),
    mallory.newAdd(),
  ]),
];

const roleByMember = operation('a member makes itself an owner', 'tree/set-role-authority', ['self'], (m) => [
  setRole(m.leaf, 'owner'),
]);
const removalByMember = operation('a member removes another', 'tree/remove-authority', ['leaf 2'], () => [
  remove(bo),
]);
const modeByMember = operation('a member sets the mode', 'tree/mode-authority', ['mode'], () => [
  setMode({ ownDevices: false }),
]);

export const memberViolations: readonly CommitViolation[] = [
  roleByMember,
  operation('a member lowers an owner', 'tree/set-role-authority', ['leaf 1'], () => [
    setRole(ada, 'member'),
  ]),
  removalByMember,
  operation('a member removes an owner', 'tree/remove-authority', ['leaf 0'], () => [remove(founder)]),
  operation('a member adds somebody', 'tree/add-authority', [], (mallory) => [mallory.newAdd()]),
  modeByMember,
];

export const readerViolations: readonly CommitViolation[] = [
  operation('a reader makes itself a member', 'tree/set-role-authority', ['self'], ({ leaf }) => [
    setRole(leaf, 'member'),
  ]),
  operation('a reader removes somebody', 'tree/remove-authority', ['leaf 2'], () => [remove(bo)]),
  operation('a reader adds somebody', 'tree/add-authority', ['added'], (mallory) => [
    mallory.newAdd({ role: 'reader' }),
  ]),
  operation('a reader adds a device', 'tree/add-authority', ['device'], (mallory) => [
    mallory.newAdd({ device: true, role: 'reader' }),
  ]),
  operation('a reader sets the mode', 'tree/mode-authority', ['mode'], () => [setMode({})]),
];

export const deviceViolations: readonly CommitViolation[] = [
  operation('a device adds a device', 'tree/device-adds', ['device'], (mallory) => [
    mallory.newAdd({ device: true }),
  ]),
  operation('a device adds somebody', 'tree/device-adds', ['added'], (mallory) => [mallory.newAdd()]),
  roleByMember,
  removalByMember,
  modeByMember,
];

/** Any operation, and any fill, is one too many: beside these there is nothing more for the plan to judge but the time. */
export const pendingViolations: readonly CommitViolation[] = [
  ...(
    [
      ['a pending leaf removes somebody', () => [remove(bo)]],
      ['a pending leaf lifts itself', ({ leaf }) => [setRole(leaf, 'owner')]],
      ['a pending leaf adds somebody', (mallory) => [mallory.newAdd()]],
      ['a pending leaf sets the mode', () => [setMode({ ownDevices: false })]],
    ] as readonly (readonly [string, Parameters<typeof operation>[3]])[]
  ).map(([what, list]) => operation(what, 'tree/first-commit-only', [what], list)),
  {
    what: 'a pending leaf fills',
    rule: 'tree/first-commit-only',
    step: plan,
    touches: ['fills'],
    change: () => ({ content: () => ({ fills: [1] }) }),
  },
  {
    what: 'a pending leaf joins after its time',
    rule: 'tree/first-commit-in-time',
    step: plan,
    touches: ['nowMs'],
    change: (_mallory, { frame }) => ({ header: { nowMs: frame.header.nowMs + 200_000 } }),
  },
];

function setMode(change: Partial<GroupMode>): FrameOperation {
  return { kind: 'set-mode', mode: { ...leafProofMode, ...change } };
}
