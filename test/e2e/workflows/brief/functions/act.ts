export async function handler(): Promise<null> {
  throw new Error('nobody can have approved this');
}
