/** What the lesser may not do: an admin, a member, a reader, a device, a pending leaf. Every message here is signed by its leaf. */
import type { FrameAttack } from '../siege.ts';
import { attack, operations, remove, setRole } from './owner-rules.ts';

/** Leaf 1 is Ada, an owner; 2 Bo, a member. */
const ada = 1;
const bo = 2;

export const adminAttacks: readonly FrameAttack[] = [
  operations('tree/owner-target', 'an admin lowers an owner', () => [setRole(ada, 'member')]),
  operations('tree/owner-target', 'an admin removes an owner', () => [remove(ada)]),
  operations('tree/role-given', 'an admin makes another admin', () => [setRole(bo, 'admin')]),
  operations('tree/role-given', 'an admin makes an owner', () => [setRole(bo, 'owner')]),
  operations('tree/role-given', 'an admin adds an owner', (mallory) => [mallory.newAdd({ role: 'owner' })]),
  operations('tree/role-given', 'an admin adds an owner as its own device', (mallory) => [
    mallory.newAdd({ role: 'owner', device: true }),
  ]),
  operations('tree/own-leaf', 'an admin lifts itself', (mallory) => [setRole(mallory.leaf, 'owner')]),
  operations('tree/add-authority', 'an admin steps down and adds', (mallory) => [
    setRole(mallory.leaf, 'member'),
    mallory.newAdd(),
  ]),
];

export const memberAttacks: readonly FrameAttack[] = [
  operations('tree/set-role-authority', 'a member makes itself an owner', (mallory) => [
    setRole(mallory.leaf, 'owner'),
  ]),
  operations('tree/set-role-authority', 'a member lowers an owner', () => [setRole(ada, 'member')]),
  operations('tree/remove-authority', 'a member removes another', () => [remove(bo)]),
  operations('tree/remove-authority', 'a member removes an owner', () => [remove(ada)]),
  operations('tree/add-authority', 'a member adds somebody', (mallory) => [mallory.newAdd()]),
  operations('tree/mode-authority', 'a member sets the mode', () => [
    { kind: 'set-mode', mode: { leafProof: true, minWriter: 'member', ownDevices: false } },
  ]),
  attack('commit/message-proof', 'a message that nobody signed', (mallory) => mallory.message()),
];

export const readerAttacks: readonly FrameAttack[] = [
  attack('commit/message-writer', 'a reader writes', (mallory) => mallory.message({ leaf: mallory.leaf })),
  operations('tree/add-authority', 'a reader adds a device', (mallory) => [
    mallory.newAdd({ device: true, role: 'reader' }),
  ]),
  operations('tree/mode-authority', 'a reader lets itself write', () => [
    { kind: 'set-mode', mode: { leafProof: true, minWriter: 'member', ownDevices: true } },
  ]),
];

export const deviceAttacks: readonly FrameAttack[] = [
  operations('tree/device-adds', 'a device adds a device', (mallory) => [mallory.newAdd({ device: true })]),
  operations('tree/device-adds', 'a device adds somebody', (mallory) => [mallory.newAdd()]),
];

export const pendingAttacks: readonly FrameAttack[] = [
  operations('tree/first-commit-only', 'a pending leaf removes somebody', () => [remove(bo)]),
  operations('tree/first-commit-only', 'a pending leaf lifts itself', (mallory) => [
    setRole(mallory.leaf, 'owner'),
  ]),
  attack('tree/first-commit-only', 'a pending leaf fills', (mallory, good) =>
    mallory.forge(good, { content: () => ({ fills: [1] }) }),
  ),
  attack('tree/first-commit-in-time', 'a pending leaf joins after its time', (mallory, good) =>
    mallory.forge(good, { header: { nowMs: good.frame.header.nowMs + 200_000 } }),
  ),
  attack('commit/message-writer', 'a pending leaf writes', (mallory) =>
    mallory.message({ leaf: mallory.leaf }),
  ),
  attack('commit/leave-joined', 'a pending leaf leaves', (mallory) => mallory.leaveFrame()),
];

/** By the owner who added the device. */
export function deviceLiftAttacks(device: number): readonly FrameAttack[] {
  return [
    operations('tree/role-given', 'a device is lifted above its adder', () => [setRole(device, 'owner')]),
  ];
}
