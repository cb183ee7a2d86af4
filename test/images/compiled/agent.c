/* An agent without a language runtime: answers with its user and the size of its input. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  FILE *input = fopen(getenv("WFLO_INPUT"), "r");
  FILE *output = fopen(getenv("WFLO_OUTPUT"), "w");
  if (input == NULL || output == NULL) return 3;
  long bytes = 0;
  while (fgetc(input) != EOF) bytes++;
  fprintf(output, "{\"language\":\"c\",\"uid\":%d,\"inputBytes\":%ld}\n", (int)getuid(), bytes);
  return fclose(output) == 0 ? 0 : 4;
}
