/** What tests of other packages use of the platform. Not for programs. */
export { createManualClock, type ManualClock } from './clock/manual-clock.ts';
