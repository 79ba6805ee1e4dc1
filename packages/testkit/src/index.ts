/** For tests, demonstrations and measurements: real servers as processes. The contract suites are at `./contracts`. */
export { serverNodeFlags, startServerProcess } from './server-process.ts';
export type { ServerProcess, ServerProcessOptions } from './server-process.ts';
export {
  ask,
  base64url,
  defaultMode,
  fromBase64url,
  groupPath,
  personOf,
  postCreate,
  postFrame,
  TestMember,
  testSuite,
  valueOf,
} from './test-member.ts';
export type {
  AnswerBody,
  GivenInvite,
  LogPage,
  ProvenUpload,
  RequestInput,
  ServerAnswer,
  SubscriptionGrant,
  TestMemberOptions,
} from './test-member.ts';
export { startLyingServer } from './lying-server/lying-server.ts';
export type { LieOptions, LyingServer, TakeBack } from './lying-server/lying-server.ts';
export type { ShownFrame, TrueFrame } from './lying-server/shown-log.ts';
