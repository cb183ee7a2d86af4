import type { Json, JsonObject } from '../../json.ts';
import { allowFields, fieldPath } from '../allowed-fields.ts';
import type { InputTally } from '../anthropic/input-tally.ts';
import { invalidField, unpricedFeature } from '../refusals.ts';
import { listOf, objectOf, textOf } from '../request-fields.ts';
import { CallRefused } from '../wire-format.ts';

const allowed = (...names: string[]) => new Set(names);

const MESSAGE = allowed('role', 'content');
const ROLES: ReadonlySet<Json | undefined> = allowed('user', 'assistant', 'system');

export function tallyConverseMessages(messages: Json | undefined, tally: InputTally): void {
  listOf(messages, 'messages').forEach((value, index) => {
    const path = `messages[${index}]`;
    const message = objectOf(value, path);
    allowFields(message, MESSAGE, path);
    if (!ROLES.has(message.role)) throw new CallRefused(invalidField(`${path}.role`, 'has to be user or assistant'));
    tally.message();
    tallyBlocks(message.content, `${path}.content`, CONTENT, tally);
  });
}

export function tallyConverseSystem(system: Json, tally: InputTally): void {
  tallyBlocks(system, 'system', SYSTEM, tally);
}

export function tallyConverseTools(tools: Json | undefined, path: string, tally: InputTally): void {
  tallyBlocks(tools, path, TOOLS, tally);
}

/** Tallies one kind of block. */
type Tallier = (value: Json, path: string, tally: InputTally) => void;
type Talliers = { readonly [kind: string]: Tallier };

/** Each block is an object whose single name says what it is. A kind that is not named here is refused. */
function tallyBlocks(blocks: Json | undefined, path: string, kinds: Talliers, tally: InputTally): void {
  listOf(blocks, path).forEach((value, index) => {
    const where = `${path}[${index}]`;
    const there = Object.entries(objectOf(value, where)).filter(([, inner]) => inner !== null);
    const [kind, inner] = there[0] ?? [];
    if (kind === undefined || inner === undefined || there.length > 1) {
      throw new CallRefused(invalidField(where, 'has to have exactly one member, which says what it is'));
    }
    const tallier = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (tallier === undefined) throw new CallRefused(unpricedFeature(fieldPath(where, kind.slice(0, 100))));
    tally.block();
    tallier(inner, fieldPath(where, kind), tally);
  });
}

const text: Tallier = (value, path, tally) => tally.text(textOf(value, path));

const json: Tallier = (value, _path, tally) => tally.json(value);

const CACHE_POINT = allowed('type', 'ttl');
const cachePoint: Tallier = (value, path, tally) => {
  const point = objectOf(value, path);
  allowFields(point, CACHE_POINT, path);
  if (point.type !== 'default')
    throw new CallRefused(unpricedFeature(`${path}.type ${JSON.stringify(point.type ?? null)}`));
  const ttl = point.ttl ?? '5m';
  if (ttl !== '5m' && ttl !== '1h') throw new CallRefused(unpricedFeature(`${path}.ttl ${JSON.stringify(ttl)}`));
  tally.cached(ttl);
};

const IMAGE = allowed('format', 'source');
const BYTES = allowed('bytes');
const image: Tallier = (value, path, tally) => {
  const block = objectOf(value, path);
  allowFields(block, IMAGE, path);
  // An object in S3 is read by whoever runs the model, and with their right to it.
  allowFields(objectOf(block.source, `${path}.source`), BYTES, `${path}.source`);
  tally.image(path);
};

const DOCUMENT = allowed('format', 'name', 'source', 'context', 'citations');
const document: Tallier = (value, path, tally) => {
  const block = objectOf(value, path);
  allowFields(block, DOCUMENT, path);
  optionalText(block.name, `${path}.name`, tally);
  optionalText(block.context, `${path}.context`, tally);
  citations(block.citations, `${path}.citations`, tally);
  tallyBlocks([block.source ?? null], `${path}.source`, DOCUMENT_SOURCES, tally);
};
const DOCUMENT_SOURCES: Talliers = {
  bytes: (_value, path, tally) => tally.document(path),
  text,
  content: (value, path, tally) => tallyBlocks(value, path, { text }, tally),
};

const SEARCH_RESULT = allowed('source', 'title', 'content', 'citations');
const searchResult: Tallier = (value, path, tally) => {
  const block = objectOf(value, path);
  allowFields(block, SEARCH_RESULT, path);
  optionalText(block.source, `${path}.source`, tally);
  optionalText(block.title, `${path}.title`, tally);
  citations(block.citations, `${path}.citations`, tally);
  tallyBlocks(block.content, `${path}.content`, { text }, tally);
};

const TOOL_USE = allowed('toolUseId', 'name', 'input');
const toolUse: Tallier = (value, path, tally) => {
  allowFields(objectOf(value, path), TOOL_USE, path);
  tally.json(value);
};

const TOOL_RESULT = allowed('toolUseId', 'content', 'status');
const toolResult: Tallier = (value, path, tally) => {
  const block = objectOf(value, path);
  allowFields(block, TOOL_RESULT, path);
  optionalText(block.toolUseId, `${path}.toolUseId`, tally);
  tallyBlocks(block.content, `${path}.content`, { text, json, image, document, searchResult }, tally);
};

const REASONING: Talliers = {
  reasoningText: (value, path, tally) => {
    const block = objectOf(value, path);
    allowFields(block, REASONING_TEXT, path);
    tally.text(textOf(block.text, `${path}.text`));
    tally.earlierReasoning();
  },
  redactedContent: (_value, _path, tally) => tally.earlierReasoning(),
};
const REASONING_TEXT = allowed('text', 'signature');

/** What was cited is in the input already; that it is written once more is counted. */
const CITATIONS_CONTENT = allowed('content', 'citations');
const citationsContent: Tallier = (value, path, tally) => {
  allowFields(objectOf(value, path), CITATIONS_CONTENT, path);
  tally.json(value);
};

const TOOL_SPEC = allowed('name', 'description', 'inputSchema', 'strict');
const toolSpec: Tallier = (value, path, tally) => {
  allowFields(objectOf(value, path), TOOL_SPEC, path);
  tally.tool();
  tally.json(value);
};

const CONTENT: Talliers = {
  text,
  image,
  document,
  searchResult,
  toolUse,
  toolResult,
  cachePoint,
  citationsContent,
  reasoningContent: (value, path, tally) => tallyBlocks([value], path, REASONING, tally),
};
const SYSTEM: Talliers = { text, cachePoint };
const TOOLS: Talliers = { toolSpec, cachePoint };

function optionalText(value: Json | undefined, path: string, tally: InputTally): void {
  if (value !== undefined && value !== null) tally.text(textOf(value, path));
}

/** Citations cut a document into numbered parts, which may be more marks than text. */
function citations(value: Json | undefined, path: string, tally: InputTally): void {
  if (value === undefined || value === null) return;
  const config: JsonObject = objectOf(value, path);
  allowFields(config, CITATIONS, path);
  if (config.enabled !== false) tally.window();
}
const CITATIONS = allowed('enabled');
