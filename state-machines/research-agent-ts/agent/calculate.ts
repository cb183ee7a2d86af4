/** The value of numbers with + - * / and parentheses. Throws for anything else. */
export function calculate(expression: string): number {
  if (expression.length > 200) throw new Error('the expression is longer than 200 characters');
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/()]|\S/g) ?? [];
  let at = 0;
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === '*' || tokens[at] === '/') value = tokens[at++] === '*' ? value * factor() : value / factor();
    return value;
  };
  const factor = (): number => {
    const token = tokens[at++];
    if (token === '-') return -factor();
    if (token === '+') return factor();
    if (token === '(') {
      const value = sum();
      if (tokens[at++] !== ')') throw new Error('a parenthesis is not closed');
      return value;
    }
    if (token === undefined || !/^\d/.test(token)) {
      throw new Error('only numbers, + - * / and parentheses are understood');
    }
    return Number(token);
  };
  const value = sum();
  if (at < tokens.length) throw new Error('only numbers, + - * / and parentheses are understood');
  if (!Number.isFinite(value)) throw new Error('that has no value');
  return value;
}
