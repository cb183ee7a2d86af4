/** Symbolic links that the kernel follows before it gives up. */
const HOPS_LIMIT = 40;

/**
 * True where a symbolic link cannot lead out of its folder: it is resolved as the kernel would, through the other links
 * of the folder, and no step of the way is above it. Paths are relative to the folder; `links` are path to target.
 */
export function staysInside(path: string, links: ReadonlyMap<string, string>): boolean {
  const target = links.get(path);
  if (target === undefined || target === '' || target.startsWith('/')) return false;
  const at = path.split('/').slice(0, -1);
  const ahead = target.split('/').reverse();
  for (let hops = 1; ; ) {
    const name = ahead.pop();
    if (name === undefined) return true;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return false;
      continue;
    }
    at.push(name);
    const next = links.get(at.join('/'));
    if (next === undefined) continue;
    hops += 1;
    if (hops > HOPS_LIMIT || next.startsWith('/')) return false;
    at.pop();
    ahead.push(...next.split('/').reverse());
  }
}
