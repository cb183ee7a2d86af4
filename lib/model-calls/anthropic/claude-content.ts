import type { Json, JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import { invalidField, unpricedFeature } from '../refusals.ts';
import { listOf, objectOf, textOf } from '../request-fields.ts';
import { CallRefused } from '../wire-format.ts';
import type { InputTally } from './input-tally.ts';

const allowed = (...names: string[]) => new Set(names);

/**
 * Tallies a content: a text, or a list of blocks. Every type of block that is not named here is refused, and so is every
 * field: what is not known could bring input that nobody counted.
 */
export function tallyContent(content: Json | undefined, path: string, tally: InputTally): void {
  if (typeof content === 'string') {
    tally.text(content);
    return;
  }
  listOf(content, path).forEach((block, index) => {
    tallyBlock(objectOf(block, `${path}[${index}]`), `${path}[${index}]`, tally);
  });
}

/** `cache_control` of a block, of a tool, or of the whole request. */
export function tallyCacheControl(holder: JsonObject, path: string, tally: InputTally): void {
  const control = holder.cache_control;
  if (control === undefined || control === null) return;
  const where = path === '' ? 'cache_control' : `${path}.cache_control`;
  const object = objectOf(control, where);
  allowFields(object, CACHE_CONTROL, where);
  if (object.type !== 'ephemeral')
    throw new CallRefused(unpricedFeature(`${where}.type ${JSON.stringify(object.type)}`));
  const ttl = object.ttl ?? '5m';
  if (ttl !== '5m' && ttl !== '1h') throw new CallRefused(unpricedFeature(`${where}.ttl ${JSON.stringify(ttl)}`));
  tally.cached(ttl);
}
const CACHE_CONTROL = allowed('type', 'ttl');

const TEXT = allowed('type', 'text', 'cache_control', 'citations');
const IMAGE = allowed('type', 'source', 'cache_control');
const DOCUMENT = allowed('type', 'source', 'cache_control', 'citations', 'context', 'title');
const SEARCH_RESULT = allowed('type', 'content', 'source', 'title', 'cache_control', 'citations');
const THINKING = allowed('type', 'thinking', 'signature');
const REDACTED_THINKING = allowed('type', 'data');
const TOOL_USE = allowed('type', 'id', 'name', 'input', 'cache_control', 'caller');
const TOOL_RESULT = allowed('type', 'tool_use_id', 'content', 'is_error', 'cache_control');
const WEB_SEARCH_RESULT = allowed('type', 'tool_use_id', 'content', 'cache_control', 'caller');

function tallyBlock(block: JsonObject, path: string, tally: InputTally): void {
  tally.block();
  tallyCacheControl(block, path, tally);
  switch (block.type) {
    case 'text':
      allowFields(block, TEXT, path);
      tally.text(textOf(block.text, `${path}.text`));
      if (block.citations !== undefined && block.citations !== null) tally.json(block.citations);
      return;
    case 'image':
      allowFields(block, IMAGE, path);
      checkImageSource(objectOf(block.source, `${path}.source`), `${path}.source`);
      tally.image(path);
      return;
    case 'document':
      allowFields(block, DOCUMENT, path);
      tallyOptionalText(block.title, `${path}.title`, tally);
      tallyOptionalText(block.context, `${path}.context`, tally);
      tallyCitations(block.citations, `${path}.citations`, tally);
      tallyDocumentSource(objectOf(block.source, `${path}.source`), `${path}.source`, tally);
      return;
    case 'search_result':
      allowFields(block, SEARCH_RESULT, path);
      tallyOptionalText(block.title, `${path}.title`, tally);
      tallyOptionalText(block.source, `${path}.source`, tally);
      tallyCitations(block.citations, `${path}.citations`, tally);
      tallyContent(block.content, `${path}.content`, tally);
      return;
    case 'thinking':
      allowFields(block, THINKING, path);
      tally.text(textOf(block.thinking, `${path}.thinking`));
      tally.earlierReasoning();
      return;
    case 'redacted_thinking':
      allowFields(block, REDACTED_THINKING, path);
      tally.earlierReasoning();
      return;
    case 'tool_use':
      allowFields(block, TOOL_USE, path);
      checkCaller(block.caller, `${path}.caller`);
      tally.json({ id: block.id ?? null, name: block.name ?? null, input: block.input ?? null });
      return;
    case 'tool_result':
      allowFields(block, TOOL_RESULT, path);
      tallyOptionalText(block.tool_use_id, `${path}.tool_use_id`, tally);
      if (block.content !== undefined && block.content !== null) tallyContent(block.content, `${path}.content`, tally);
      return;
    // What the model searched for and found in earlier turns; the results are encrypted.
    case 'server_tool_use':
      allowFields(block, TOOL_USE, path);
      checkCaller(block.caller, `${path}.caller`);
      if (block.name !== 'web_search')
        throw new CallRefused(unpricedFeature(`${path}.name ${JSON.stringify(block.name)}`));
      tally.window();
      return;
    case 'web_search_tool_result':
      allowFields(block, WEB_SEARCH_RESULT, path);
      checkCaller(block.caller, `${path}.caller`);
      tally.window();
      return;
    default:
      throw new CallRefused(unpricedFeature(`a block of type ${JSON.stringify(block.type ?? null)} (${path})`));
  }
}

function tallyOptionalText(value: Json | undefined, path: string, tally: InputTally): void {
  if (value !== undefined && value !== null) tally.text(textOf(value, path));
}

/** Citations cut a document into numbered sentences, which may be more marks than text. */
function tallyCitations(citations: Json | undefined, path: string, tally: InputTally): void {
  if (citations === undefined || citations === null) return;
  const object = objectOf(citations, path);
  allowFields(object, CITATIONS, path);
  if (object.enabled !== false) tally.window();
}
const CITATIONS = allowed('enabled');

const BASE64_SOURCE = allowed('type', 'media_type', 'data');
const URL_SOURCE = allowed('type', 'url');
const CONTENT_SOURCE = allowed('type', 'content');

/** An image of any address is bounded by what any image can be at most. */
function checkImageSource(source: JsonObject, path: string): void {
  if (source.type === 'base64') allowFields(source, BASE64_SOURCE, path);
  else if (source.type === 'url') allowFields(source, URL_SOURCE, path);
  else throw new CallRefused(unpricedFeature(`an image by ${JSON.stringify(source.type ?? null)} (${path})`));
}

function tallyDocumentSource(source: JsonObject, path: string, tally: InputTally): void {
  switch (source.type) {
    case 'base64':
      allowFields(source, BASE64_SOURCE, path);
      tally.document(path);
      return;
    case 'text':
      allowFields(source, BASE64_SOURCE, path);
      tally.text(textOf(source.data, `${path}.data`));
      return;
    case 'content':
      allowFields(source, CONTENT_SOURCE, path);
      tallyContent(source.content, `${path}.content`, tally);
      return;
    default:
      throw new CallRefused(
        unpricedFeature(`a document by ${JSON.stringify(source.type ?? null)} (${path})`, 'send it inline'),
      );
  }
}

/** The model itself; a server tool that calls others would run code here. */
function checkCaller(caller: Json | undefined, path: string): void {
  if (caller === undefined || caller === null) return;
  const object = objectOf(caller, path);
  if (object.type !== 'direct')
    throw new CallRefused(unpricedFeature(`${path}.type ${JSON.stringify(object.type ?? null)}`));
}

const MESSAGE = allowed('role', 'content');
const ROLES: ReadonlySet<Json | undefined> = allowed('user', 'assistant', 'system');

export function tallyMessages(messages: Json | undefined, tally: InputTally): void {
  listOf(messages, 'messages').forEach((value, index) => {
    const path = `messages[${index}]`;
    const message = objectOf(value, path);
    allowFields(message, MESSAGE, path);
    if (!ROLES.has(message.role)) {
      throw new CallRefused(invalidField(`${path}.role`, 'has to be user, assistant or system'));
    }
    tally.message();
    tallyContent(message.content, `${path}.content`, tally);
  });
}
