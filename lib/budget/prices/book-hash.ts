import { canonicalJson, sha256 } from '../../json.ts';
import type { PriceBook } from '../price-book.ts';

/** The book with its hash, by which every ledger entry names it. */
export function hashedBook(book: Omit<PriceBook, 'sha256'>): PriceBook {
  const { generatedFrom, models, fargate } = book;
  return { sha256: sha256(canonicalJson({ generatedFrom, models, fargate })), generatedFrom, models, fargate };
}
