/** Doubles the amount; fails for a negative one. */
export async function handler(event: { readonly input: { readonly amount: number } }) {
  if (event.input.amount < 0) throw new Error(`the amount ${event.input.amount} is negative`);
  return { doubled: event.input.amount * 2, pause: 1 };
}
