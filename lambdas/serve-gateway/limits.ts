/** Lambda takes 6 MB, base64 and envelope included. The same everywhere, so that what works locally works on AWS. */
export const REQUEST_LIMIT_BYTES = 5.5 * 1024 * 1024;

/** The longest that a function runs on AWS. */
export const FUNCTION_SECONDS = 15 * 60;

/** A call ends before its function does, so that its hold can be closed. */
export const CALL_SECONDS = FUNCTION_SECONDS - 20;

/** How long a hold outlives the function that made it, before it counts as left behind. */
export const HOLD_SECONDS = FUNCTION_SECONDS + 5 * 60;

/** How often a running call proves that its hold is alive, and looks whether its lease is. */
export const RENEW_SECONDS = 60;

/** API Gateway ends what has sent nothing for five minutes. */
export const IDLE_SECONDS = 4.5 * 60;

/** A provider that sends nothing for this long will send nothing any more. */
export const SILENT_SECONDS = 10 * 60;

/** How long a lease that was read counts for calls under the same token; the reservation checks it itself. */
export const LEASE_SECONDS = 30;

/** How long a call waits for a person who may raise its budget. */
export const ASK_SECONDS = 60;

/** How long the last bytes of an answer wait for its settlement, so that the next call finds the money. */
export const SETTLE_FIRST_MS = 1000;

/** How long closing a hold is tried again. */
export const CLOSE_SECONDS = 15;

/** Calls whose client has gone and that are read to their end all the same, of one process. */
export const DETACHED_CALLS = 256;

/** A client that takes no bytes for this long has gone, whatever its connection says. */
export const STALLED_CLIENT_SECONDS = 60;
