import { type ScriptedAnswer, scriptedAws } from '../../_helpers/scripted-aws.ts';

/** `service:Operation` as the name of an answer, such as `states:ListExecutions`; a function sees the parameters. */
export type Answers = Readonly<Record<string, ScriptedAnswer | ((parameters: Parameters) => ScriptedAnswer)>>;
export type Parameters = Readonly<Record<string, unknown>>;

/** An account that answers by a script, in the protocol of each service. What has no answer fails the test. */
export function scriptedAccount(answers: Answers) {
  const calls: string[] = [];
  const script = scriptedAws(({ host, method, operation, path, query, body }) => {
    const service = host.split('.')[0] ?? '';
    const form = Object.fromEntries(new URLSearchParams(operation === '' && body.includes('Action=') ? body : ''));
    const json = body.startsWith('{') ? (JSON.parse(body) as Parameters) : {};
    const name = `${service}:${operation || form.Action || `${method} ${path}`}`;
    const parameters: Parameters = { ...query, ...form, ...json };
    const answer = answers[name];
    const shown = Object.entries(parameters).filter(([key]) => !/^(Action|Version|x-id)$/.test(key));
    calls.push([name, ...shown.map(([key, value]) => `${key}=${value}`)].join(' '));
    if (answer === undefined) throw new Error(`no answer for ${name} ${JSON.stringify(parameters)}`);
    return typeof answer === 'function' ? answer(parameters) : answer;
  });
  return { calls, settings: script.settings };
}

/** An answer of CloudFormation, IAM or S3. */
export function xml(text: string, status = 200): ScriptedAnswer {
  return { status, text, headers: { 'content-type': 'text/xml' } };
}

export function xmlResult(operation: string, inner: string): ScriptedAnswer {
  return xml(`<${operation}Response><${operation}Result>${inner}</${operation}Result></${operation}Response>`);
}

export function xmlError(code: string, message: string, status = 400): ScriptedAnswer {
  return xml(`<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`, status);
}
