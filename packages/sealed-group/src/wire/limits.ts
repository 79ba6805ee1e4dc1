/** Sizes and caps of frames (docs/sealed-groups.md §4, §5), in one place because builders, parsers and servers share them. */

/** Largest frame, in bytes. */
export const maxFrameBytes = 2 * 1024 * 1024;
/** Sealed nodes in a commit. */
export const maxSealedNodes = 1024;
/** Added leaves in a commit. */
export const maxAdds = 1023;
/** Operations in a commit. */
export const maxOperations = 4096;
/** Leaf indices are below it. */
export const maxLeafCount = 2 ** 20;
/** Nodes of the largest tree. */
export const maxNodeCount = 2 * maxLeafCount - 1;
/** Characters, and octets, of an origin. */
export const maxOriginBytes = 255;

export const keyBytes = 32;
export const groupIdBytes = 16;
export const nonceBytes = 16;
export const signatureBytes = 64;
export const confirmBytes = 32;
/** Sixteen group elements: one per digit of a sealed secret. */
export const digitVectorBytes = 16 * 32;
/** What a recipient of a sealed secret takes of a frame: its handles with their tag and length, and a point of the proof. */
export const recipientBytes = 1 + 2 + digitVectorBytes + 32;
/** Leaf index and generation, four bytes each, masked. */
export const maskedHeaderBytes = 8;
