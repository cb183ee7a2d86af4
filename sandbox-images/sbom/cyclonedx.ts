import { createHash } from 'node:crypto';

/** The part of a CycloneDX 1.5 component that is written here. */
export interface Component {
  readonly type: 'application' | 'library' | 'container' | 'operating-system';
  readonly name: string;
  readonly version: string;
  /** Package URL: what scanners look a component up by. */
  readonly purl?: string;
  /** SPDX identifier or expression, or a name that its publisher uses. */
  readonly licence?: string;
}

const SPDX_EXPRESSION = /\s(?:AND|OR|WITH)\s/;
/** Identifiers that CycloneDX knows, of what is in use here; other names are written as names. */
const SPDX_IDENTIFIERS = new Set(
  '0BSD Apache-2.0 BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MPL-2.0 Unlicense Zlib'.split(' '),
);

/** A CycloneDX 1.5 document as text. The same components give the same bytes: it holds no time and no random number. */
export function bomText(subject: Component, components: readonly Component[]): string {
  const unique = new Map(components.map((component) => [refOf(component), component]));
  const sorted = [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, component]) => written(component));
  const content = { metadata: { component: written(subject) }, components: sorted };
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(hash)}`,
    version: 1,
    ...content,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The components of a document that `bomText` wrote; throws an `Error` for anything else. */
export function componentsOf(text: string): Component[] {
  const document: { bomFormat?: unknown; components?: unknown } = JSON.parse(text);
  if (document.bomFormat !== 'CycloneDX' || !Array.isArray(document.components))
    throw new Error('not a CycloneDX document');
  return document.components.map(({ 'bom-ref': _ref, licenses, ...component }) => {
    const licence = licenses?.[0]?.expression ?? licenses?.[0]?.license?.id ?? licenses?.[0]?.license?.name;
    return { ...component, ...(licence === undefined ? {} : { licence }) };
  });
}

function written(component: Component): object {
  const { licence, ...rest } = component;
  return { 'bom-ref': refOf(component), ...rest, ...(licence === undefined ? {} : { licenses: [licenceOf(licence)] }) };
}

function licenceOf(licence: string): object {
  if (SPDX_EXPRESSION.test(licence)) return { expression: licence };
  return { license: SPDX_IDENTIFIERS.has(licence) ? { id: licence } : { name: licence } };
}

function refOf({ purl, type, name, version }: Component): string {
  return purl ?? `${type}:${name}@${version}`;
}

/** An RFC 9562 UUID, version 8, of a hash. */
function uuidOf(hash: string): string {
  const variant = '89ab'[Number.parseInt(hash.charAt(16), 16) % 4];
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}
