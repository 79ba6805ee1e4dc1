/** Thrown when our own code breaks a contract of the tree; never because of bytes from outside. */
export class TreeMisuseError extends Error {
  readonly code = 'tree_misuse';

  constructor(message: string) {
    super(message);
    this.name = 'TreeMisuseError';
  }
}
