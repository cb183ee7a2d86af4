/** The side of a started process: says that it is ready, then answers each question of the benchmark. */
export function answering(ready: object, answer: (question: never) => unknown): void {
  process.on('message', async ({ id, question }: { id: number; question: never }) => {
    try {
      process.send?.({ id, answer: await answer(question) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ answer: ready });
}
