import { expect } from 'vitest';
import { REFUSED_PATH } from '../../_helpers/fake-gateway.ts';
import { type Aftermath, OK, okWith, reporting, type SandboxCase } from '../case.ts';

const CALL = `
import http.client, json, os, urllib.parse, urllib.request
def call(path, body, base=os.environ['OPENAI_BASE_URL']):
    headers = {'content-type': 'application/json', 'authorization': 'Bearer ' + os.environ['OPENAI_API_KEY']}
    request = urllib.request.Request(base + path, data=json.dumps(body).encode(), headers=headers)
    return urllib.request.urlopen(request, timeout=30)
`;

/** Of the calls of one agent, by the path that only it uses. */
function tokensOf({ gateway }: Aftermath, path: string): string[] {
  return gateway.seen
    .filter(({ url }) => url === `/models/openai/v1/${path}`)
    .map(({ headers }) => headers.authorization?.replace('Bearer ', '') ?? '');
}

/** The way to the models. */
export const MODELS: readonly SandboxCase[] = [
  {
    name: 'an agent calls a model, and reads its answer whole and as a stream',
    agent: reporting(`${CALL}
whole = json.load(call('/chat/completions', {'model': 'm'}))
events = [line.decode().strip() for line in call('/chat/completions', {'model': 'm', 'stream': True}) if line.strip()]
result = [whole['choices'][0]['message']['content'], ''.join(json.loads(line[6:])['choices'][0]['delta']['content'] for line in events[:-1]), events[-1]]
`),
    ends: okWith(['hello', 'hello', 'data: [DONE]']),
  },
  {
    name: 'an agent calls Bedrock in HTTP/2 over TLS, and trusts the certificate that its environment names',
    agent: {
      command: ['node', 'main.mjs'],
      image: 'node',
      files: {
        'main.mjs': `
import { writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
const { origin, pathname } = new URL(process.env.AWS_ENDPOINT_URL_BEDROCK_RUNTIME);
const session = connect(origin);
const stream = session.request({ ':method': 'POST', ':path': pathname + '/model/a.b-v1%3A0/converse-stream', authorization: 'Bearer ' + process.env.AWS_BEARER_TOKEN_BEDROCK });
let text = '';
stream.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
stream.end('{"stream":true}');
await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
session.close();
writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify(text.split('\\n\\n').length));
`,
      },
    },
    ends: {
      ...okWith(4),
      holds: ({ gateway }) =>
        expect(gateway.seen.map(({ url }) => url)).toContain('/models/bedrock/model/a.b-v1%3A0/converse-stream'),
    },
  },
  {
    name: 'the way to the models leads to nothing but model calls',
    agent: reporting(`${CALL}
base = urllib.parse.urlsplit(os.environ['OPENAI_BASE_URL'])
secret = base.path.split('/')[1]
result = []
for target in ('/', '/openai/v1/models', f'/{secret}x/openai/v1/models', f'/{secret}/other/v1', f'/{secret}/openai/../../v1/claim',
               f'/{secret}/openai/%2e%2e/%2e%2e/v1/claim', f'/{secret}/openai/..%2f..%2fv1', f'/{secret}/openai//v1', f'//{secret}/openai/v1',
               f'http://169.254.169.254/{secret}/openai/v1/models', '*'):
    for method in ('GET', 'POST'):
        connection = http.client.HTTPConnection(base.netloc, timeout=30)
        connection.request(method, target, b'' if method == 'POST' else None)
        status = connection.getresponse().status
        if status != 404: result.append([method, target, status])
`),
    ends: okWith([]),
  },
  {
    name: 'neither variables, nor files, nor processes, nor answers of the gateway hold the session token',
    agent: reporting(`${CALL}
texts = [json.dumps(dict(os.environ))]
answer = call('/tokens', {'model': 'm'})
texts += [str(answer.headers), answer.read().decode()]
def read(path):
    try:
        with open(path, 'rb') as file: texts.append(file.read(1 << 20).decode('latin1'))
    except OSError: pass
own = os.path.dirname(os.environ['HOME'])
for folder in (own, os.environ['TMPDIR']):
    for at, _, names in os.walk(folder):
        for name in names: read(os.path.join(at, name))
for pid in ('self', str(os.getppid()), '1'):
    for name in ('environ', 'cmdline'): read(f'/proc/{pid}/{name}')
result = '\\n'.join(texts)[:8_000_000]
`),
    ends: {
      ...OK,
      holds(after) {
        const tokens = tokensOf(after, 'tokens');
        expect(tokens).toHaveLength(1);
        const token = tokens[0] ?? '';
        expect(token).toMatch(/^[\w-]+\.\w+/);
        expect(after.output).toContain('OPENAI_BASE_URL');
        for (const secret of [token, token.split('.')[1] ?? '']) {
          expect(String(after.output).includes(secret)).toBe(false);
        }
      },
    },
  },
  {
    name: 'an agent that swallows the refusal of a budget that ends its step is ended as budget_exceeded',
    agent: reporting(`${CALL}
import time, urllib.error
try: call('${REFUSED_PATH}', {'model': 'm'})
except urllib.error.HTTPError as error: print(error.code, json.load(error)['error']['message'], flush=True)
time.sleep(60)
`),
    ends: {
      exit: { reason: 'budget_exceeded', code: 143 },
      holds: (after) => {
        expect(after.exit?.message).toBe('the budget of $0.10 is used up');
        expect(after.wallMs).toBeLessThan(30_000);
      },
    },
  },
];
