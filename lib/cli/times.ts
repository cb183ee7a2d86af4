/** `850 ms`, `3.2 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function durationText(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** From `startedAt` to `endedAt`, or to now where it has not ended; '' where it has not begun. */
export function elapsedText(startedAt: string | null, endedAt: string | null, now: Date): string {
  if (startedAt === null) return '';
  const end = endedAt === null ? now.getTime() : Date.parse(endedAt);
  return durationText(end - Date.parse(startedAt));
}

/** `in 3 h 10 min`, or `5 min 0 s ago`. */
export function untilText(iso: string, now: Date): string {
  const left = Date.parse(iso) - now.getTime();
  return left > 0 ? `in ${durationText(left)}` : `${durationText(-left)} ago`;
}

/** `2026-11-24 14:57:53Z` */
export function instantText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}

/** `14:57:53.120Z` */
export function clockText(iso: string): string {
  return iso.slice(11);
}
