/** Reading before the tree is there: what the server makes (`makePreviewStart`, `makeOpening`) and a newcomer opens (`Preview`). */
export { cutLeafPath } from './leaf-path.ts';
export type { LeafPath } from './leaf-path.ts';
export { makeOpening, makePreviewStart, sealedNodesFor } from './make-opening.ts';
export type { OpeningSource, OpeningTree } from './make-opening.ts';
export { Preview } from './preview.ts';
export {
  decodePreviewPage,
  encodePreviewPage,
  maxPreviewItems,
  maxPreviewPageBytes,
} from './preview-codec.ts';
export type { PreviewItem, PreviewPage } from './preview-codec.ts';
export type { PreviewMessage } from './read-preview-message.ts';
