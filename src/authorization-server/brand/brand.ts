/** How an operator makes the pages their own: a name, a logo, colours, a stylesheet. */
import { readFileSync } from 'node:fs';
import { accentProperties, lighterOf, type Scheme, unreadable } from './colours.ts';
import { type Picture, pictureOf } from './picture.ts';

/** The setting `brand`. Files are found from the working directory. */
export interface BrandSettings {
  readonly name: string;
  readonly logo: string | null;
  readonly accentColor: string | null;
  readonly accentColorDark: string | null;
  readonly stylesheet: string | null;
}

export interface Brand {
  readonly name: string;
  readonly logo: Picture | undefined;
  /** Laid over ours: the colours, then the operator's own words. Empty where there is neither. */
  readonly css: string;
}

/** Everything about the brand that cannot be used, for whoever starts the server. */
export class BrandError extends Error {
  override readonly name = 'BrandError';

  constructor(mistakes: readonly string[]) {
    super(`The brand cannot be used:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
  }
}

const LARGEST_FILE = 200_000;

/** Reads the files once. Throws a `BrandError` for a file that cannot be used, and for colours that text cannot be read in. */
export function loadBrand(settings: BrandSettings): Brand {
  const { name, accentColor: light, accentColorDark: dark } = settings;
  const mistakes = [
    ...unreadableMistake('accentColor', light, 'light'),
    ...unreadableMistake('accentColorDark', dark, 'dark'),
  ];
  const logo = settings.logo === null ? undefined : read(mistakes, 'brand.logo', settings.logo);
  const picture = logo && pictureOf(logo);
  if (logo !== undefined && picture === undefined) {
    mistakes.push(`brand.logo: ${settings.logo} is no SVG, PNG, JPEG or WebP`);
  }
  const own = settings.stylesheet === null ? undefined : read(mistakes, 'brand.stylesheet', settings.stylesheet);
  if (mistakes.length > 0) {
    throw new BrandError(mistakes);
  }
  return {
    name,
    logo: picture,
    css: [coloursCss(light, dark), own?.toString('utf8') ?? ''].filter(Boolean).join('\n'),
  };
}

function unreadableMistake(setting: string, colour: string | null, scheme: Scheme): string[] {
  const problem = colour === null ? undefined : unreadable(colour, scheme);
  const better = scheme === 'light' ? 'darker' : 'lighter';
  return problem === undefined ? [] : [`brand.${setting}: ${colour} ${problem}. Choose a ${better} one.`];
}

function coloursCss(light: string | null, dark: string | null): string {
  const darker = dark ?? (light === null ? null : lighterOf(light));
  const inLight = light === null ? '' : `:root {\n${declarations(accentProperties(light, 'light'))}}\n`;
  const inDark = darker === null ? '' : `:root {\n${declarations(accentProperties(darker, 'dark'))}}\n`;
  return inLight + (inDark === '' ? '' : `@media (prefers-color-scheme: dark) {\n${inDark}}\n`);
}

function declarations(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `  ${name}: ${value};\n`)
    .join('');
}

function read(mistakes: string[], path: string, file: string): Buffer | undefined {
  try {
    const content = readFileSync(file);
    if (content.length <= LARGEST_FILE) {
      return content;
    }
    mistakes.push(`${path}: ${file} has ${content.length} bytes, and ${LARGEST_FILE} are the most`);
  } catch (error) {
    mistakes.push(`${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}
