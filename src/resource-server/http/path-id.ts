import { Refusal } from '../guard/refusal.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id in the path of a request; what cannot be one names nothing that exists. */
export function pathId({ params }: { readonly params: Readonly<Record<string, string>> }): string {
  const { id = '' } = params;
  if (!UUID.test(id)) {
    throw notFound();
  }
  return id;
}

/** Also for what belongs to others: whoever may not see a thing may not learn that it exists. */
export function notFound(): Refusal {
  return new Refusal({ status: 404, code: 'not_found', description: 'There is nothing of yours under this id.' });
}
