/** Uploads a blob with the epoch key's proof; a proof of an epoch that a removal closed meanwhile is made anew. */
import { notAllowed } from '../errors/broken-rule.ts';
import { isConclaveError } from '../errors/conclave-error.ts';
import type { BlobUpload } from '../http/sealed-api.ts';
import type { GroupContext } from './group-context.ts';

export async function proveAndUpload(
  { state, sync }: Pick<GroupContext, 'state' | 'sync'>,
  blob: Omit<BlobUpload, 'epoch' | 'proof'>,
  upload: (proven: BlobUpload) => Promise<void>,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const proof = state.group.proveBlob({ blobId: blob.blobId, sizeBytes: blob.size, sha256: blob.sha256 });
    if (!proof.ok) throw notAllowed(proof);
    try {
      await upload({ ...blob, epoch: proof.value.epoch, proof: proof.value.signature });
      return;
    } catch (error) {
      if (tries === 3 || !isConclaveError(error, 'CONCLAVE_NOT_ELIGIBLE')) throw error;
      await sync.run();
    }
  }
}
