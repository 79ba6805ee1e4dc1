/**
 * Whose fault it is that the log does not go on (docs/sealed-groups.md §5.11). A frame gets into the log by the server's hand alone,
 * after the checks that this device repeats; so a frame of the log that fails them was never to be there: it is of another
 * history of the group, or what it builds on was not shown to this device.
 */
import type { RuleId } from '@conclave/sealed-group';

/** What says nothing about the server: secrets that this device has not (its store is a copy that was put back), and a protocol to come. */
const ownFaults: ReadonlySet<string> = new Set<RuleId>(['commit/opens', 'commit/member', 'frame/version']);

/** Whether a frame of the log, refused by this rule, is one that an honest server would not show. */
export function blamesServer(rule: string): boolean {
  return !ownFaults.has(rule);
}
