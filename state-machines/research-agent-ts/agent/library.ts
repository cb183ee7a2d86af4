export interface Document {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

const HITS = 3;

/** The documents that the agent may read, and which of them it has read. */
export class Library {
  /** In the order of reading, each once. */
  readonly wasRead: Document[] = [];
  private readonly documents: readonly Document[];

  constructor(documents: readonly Document[]) {
    this.documents = documents;
  }

  search(query: string): readonly { readonly id: string; readonly title: string; readonly score: number }[] {
    const words = this.documents.map(({ title, text }) => wordsOf(`${title} ${text}`));
    const wanted = new Set(wordsOf(query));
    return this.documents
      .map(({ id, title }, index) => ({ id, title, score: scoreOf(wanted, words[index] ?? [], words) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
      .slice(0, HITS);
  }

  /** Undefined where there is none of this id. */
  read(id: string): Document | undefined {
    const found = this.documents.find((document) => document.id === id);
    if (found !== undefined && !this.wasRead.includes(found)) this.wasRead.push(found);
    return found;
  }

  get ids(): readonly string[] {
    return this.documents.map(({ id }) => id);
  }
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Rare words count for more. */
function scoreOf(query: ReadonlySet<string>, own: readonly string[], all: readonly (readonly string[])[]): number {
  let score = 0;
  for (const word of query) {
    const times = own.filter((each) => each === word).length;
    if (times > 0) score += times * Math.log(all.length / all.filter((words) => words.includes(word)).length);
  }
  return Math.round(score * 100) / 100;
}
