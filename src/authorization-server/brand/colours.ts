/**
 * An operator's colour for buttons and links, and what follows from it. WCAG 2.2 1.4.3 (AA) asks for a contrast of 4.5 to 1
 * between text and what is behind it.
 */

export type Scheme = 'light' | 'dark';

interface Surfaces {
  /** What links stand on: of views/assets/concierge.css. */
  readonly behind: readonly string[];
  /** What stands on a button in the accent colour. */
  readonly on: string;
  /** What the shades of the accent tend to. */
  readonly stronger: string;
}

export const SURFACES: Readonly<Record<Scheme, Surfaces>> = {
  light: { behind: ['#ffffff', '#f6f4ef'], on: '#ffffff', stronger: '#000000' },
  dark: { behind: ['#181e1c', '#0f1312'], on: '#0f1312', stronger: '#ffffff' },
};

const LEAST_CONTRAST = 4.5;

/** How much of the accent is in the tint behind a logo or a notice. */
const TINT = 0.06;

/** What is wrong with a colour as the accent of a scheme, with the figure; `undefined` when text can be read. */
export function unreadable(accent: string, scheme: Scheme): string | undefined {
  const { behind } = SURFACES[scheme];
  const [worst = ''] = [...behind, tintOf(accent, scheme)].sort((a, b) => contrast(accent, a) - contrast(accent, b));
  const ratio = contrast(accent, worst);
  // Not rounded up to what would do.
  const figure = (Math.floor(ratio * 100) / 100).toFixed(2);
  return ratio >= LEAST_CONTRAST
    ? undefined
    : `has a contrast of ${figure}:1 on the ${scheme} background ${worst}, and text needs ${LEAST_CONTRAST}:1`;
}

/** For the dark scheme of an operator who has named one for the light one only: as little lighter as is read well. */
export function lighterOf(accent: string): string {
  const steps = Array.from({ length: 21 }, (_, step) => mix(accent, '#ffffff', step / 20));
  const card = SURFACES.dark.behind[0] ?? '';
  return steps.find((shade) => contrast(shade, card) >= 7) ?? '#ffffff';
}

/** The custom properties of views/assets/concierge.css that have to do with the accent. */
export function accentProperties(accent: string, scheme: Scheme): Readonly<Record<string, string>> {
  const { on, stronger } = SURFACES[scheme];
  return {
    '--accent': accent,
    '--accent-hover': mix(accent, stronger, 0.2),
    '--on-accent': on,
    '--link': accent,
    '--focus': accent,
    '--plate': accent,
    '--brass': on,
    '--tint': tintOf(accent, scheme),
  };
}

function tintOf(accent: string, scheme: Scheme): string {
  return mix(SURFACES[scheme].behind[0] ?? '', accent, TINT);
}

/** WCAG 2.2: from 1 (the same) to 21 (black on white). */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mix(one: string, other: string, share: number): string {
  const others = channels(other);
  const mixed = channels(one).map((value, index) => Math.round(value + ((others[index] ?? 0) - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/** Of `#rrggbb`. */
function channels(colour: string): number[] {
  return [1, 3, 5].map((start) => Number.parseInt(colour.slice(start, start + 2), 16));
}
