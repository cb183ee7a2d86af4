/** Says which edition of this file acted. */
export async function handler(): Promise<{ edition: string }> {
  return { edition: 'first' };
}
