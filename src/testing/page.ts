import { loadBrand } from '../authorization-server/brand/brand.ts';
import { loadLanguages } from '../authorization-server/languages/languages.ts';
import { createPage, type Page, type PageDeps } from '../authorization-server/pages/page.ts';

const UNBRANDED = { name: 'Concierge', logo: null, accentColor: null, accentColorDark: null, stylesheet: null };

/** Pages without a server around them. */
export function testPage(deps: Partial<PageDeps> = {}): Page {
  return createPage({ languages: loadLanguages(), defaultLanguage: 'en', brand: loadBrand(UNBRANDED), ...deps });
}
