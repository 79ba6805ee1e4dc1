import { describe, expect, test } from 'vitest';
import type { BudgetAccount } from '../../src/index.ts';
import {
  chargedInstance,
  checkBudget,
  decideBudget,
  decideReservation,
  firstWaitMs,
  maxWaitMs,
  newAccount,
  reservationIntervalMs,
  reservationMs,
} from '../../src/index.ts';
import { valueOf } from '../group/people.ts';
import { commitFrameOf, World } from './world.ts';

describe('the budget of commits', () => {
  const world = new World('budget');
  const [admin, member] = world.addJoined(0, 'admin', 'member');
  const { epoch } = world.group;
  const decide = (
    committer: number,
    nowMs: number,
    account?: BudgetAccount,
    reservation?: Parameters<typeof decideBudget>[0]['reservation'],
  ) => decideBudget({ tree: world.group.tree, epoch, committer, nowMs, account, reservation });

  test('doubles the wait of a leaf that is not an owner, up to a bound, and forgets it with quiet time', () => {
    let nowMs = 1_000_000;
    let account: BudgetAccount | undefined;
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      const decision = decide(member!, nowMs, account);
      account = valueOf(checkBudget(decision))!;
      waits.push(account.waitUntilMs - nowMs);
      expect(decide(member!, account.waitUntilMs - 1, account)).toEqual({
        ok: false,
        rule: 'commit/wait',
        retryAtMs: account.waitUntilMs,
      });
      nowMs = account.waitUntilMs;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64].map((seconds) => seconds * firstWaitMs));
    const rested = valueOf(checkBudget(decide(member!, nowMs + 2 * maxWaitMs, account)))!;
    expect(rested.waitUntilMs - (nowMs + 2 * maxWaitMs)).toBe(firstWaitMs);
  });

  test('never makes an owner wait, and charges devices and pending leaves to their adder', () => {
    expect(decide(0, 5, { ...newAccount, waitUntilMs: 99 })).toEqual({ ok: true, account: undefined });
    const own = { leaf: admin, epoch: world.group.tree.leaf(admin!)!.epoch };
    const added = world
      .commit(admin!, [
        { kind: 'add', role: 'member', device: true, expiresAtMs: world.nowMs + 10 },
        { kind: 'add', role: 'member', device: false, expiresAtMs: world.nowMs + 10 },
      ])
      .plan.added.map(({ leaf }) => leaf);
    for (const leaf of added) expect(chargedInstance(world.group.tree, leaf)).toEqual(own);
    expect(chargedInstance(world.group.tree, admin!)).toEqual(own);
    expect(chargedInstance(world.group.tree, 500)).toBeUndefined();
    const first = valueOf(checkBudget(decide(added[1]!, 7000)))!;
    expect(first).toEqual({ ...newAccount, waitUntilMs: 7000 + firstWaitMs });
  });

  test("reserves the next epoch for an administrator's removal that lost its race, once a minute", () => {
    const stale = (by: number) =>
      commitFrameOf(valueOf(world.build(by, [{ kind: 'remove', leaf: member! }])).bytes);
    const byAdmin = stale(admin!);
    const refresh = commitFrameOf(valueOf(world.build(admin!)).bytes);
    world.commit(0);
    const { group } = world;
    const nowMs = 50_000;
    const ask = (frame = byAdmin, account?: BudgetAccount, at = nowMs) =>
      decideReservation({ group, frame, nowMs: at, account, reservation: undefined });
    expect(ask(refresh)).toBeUndefined();
    const reserved = ask()!;
    expect(reserved.reservation).toMatchObject({ epoch: group.epoch, untilMs: nowMs + reservationMs });
    expect(ask(byAdmin, reserved.account, nowMs + reservationIntervalMs - 1)).toBeUndefined();
    expect(ask(byAdmin, reserved.account, nowMs + reservationIntervalMs)).toBeDefined();
    expect(ask(byAdmin, { ...newAccount, waitUntilMs: nowMs + 1 })).toBeUndefined();

    const { reservation } = reserved;
    const at = (committer: number, atMs: number, inEpoch = group.epoch) =>
      decideBudget({
        tree: group.tree,
        epoch: inEpoch,
        committer,
        nowMs: atMs,
        account: undefined,
        reservation,
      });
    expect(at(0, nowMs)).toMatchObject({ ok: false, retryAtMs: reservation.untilMs });
    expect(at(admin!, nowMs).ok).toBe(true);
    expect(at(0, reservation.untilMs).ok).toBe(true);
    expect(at(0, nowMs, group.epoch + 1).ok).toBe(true);
  });
});
