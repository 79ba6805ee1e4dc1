export {
  encodeBody,
  encodeCommitTrailer,
  encodeCreateTrailer,
  encodeFrame,
  encodeLeaveTrailer,
  encodeMessageTrailer,
} from './build-frame.ts';
export { isCommitFrame, isCreateFrame, isLeaveFrame, isMessageFrame } from './frame.ts';
export type {
  CommitContent,
  CommitFrame,
  CommitTrailerContent,
  CreateContent,
  CreateFrame,
  CreateTrailerContent,
  FrameContent,
  FrameHeader,
  FrameOperation,
  LeaveContent,
  LeaveFrame,
  LeaveTrailerContent,
  MessageContent,
  MessageFrame,
  MessageTrailerContent,
  ParsedFrame,
  SealedNodeContent,
} from './frame.ts';
export {
  confirmedTranscriptHash,
  emptyTranscript,
  frameBodyHash,
  trailerContext,
  transcriptHash,
  transcriptHashOf,
  unsignedPart,
  wholeTrailerHash,
} from './frame-hash.ts';
export * as frameLimits from './limits.ts';
export { parseFrame } from './parse-frame.ts';
