/** Blobs on S3. Apart from the index of the package, so that who keeps blobs on a disk loads no client of it. */
export { openS3BlobStore, type S3BlobStore, type S3BlobStoreDeps } from './s3-blob-store.ts';
