// Lists page by page.
import { dataOf, type Result } from "./problems.js";

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/**
 * Yield the items of all pages; the next page is requested when the previous one is used up.
 *
 * getPage: requests the page after a cursor, which is null for the first one.
 */
export async function* items<Item>(
  getPage: (after: string | null) => Promise<Result<Page<Item>>>,
): AsyncGenerator<Item, void, undefined> {
  let after: string | null = null;
  do {
    const page: Page<Item> = await dataOf(getPage(after));
    yield* page.items;
    after = page.next;
  } while (after !== null);
}
