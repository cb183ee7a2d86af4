export const UNRECORDED: readonly {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly presigned?: boolean;
  readonly reason: string;
}[] = [];
