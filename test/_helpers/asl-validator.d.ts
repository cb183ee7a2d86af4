/** asl-validator 4 ships no types. */
declare module 'asl-validator' {
  interface Validation {
    readonly isValid: boolean;
    errorsText(separator?: string): string;
  }
  export default function validate(
    definition: unknown,
    options?: { readonly checkPaths?: boolean; readonly checkArn?: boolean },
  ): Validation;
}
