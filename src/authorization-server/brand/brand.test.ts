import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BrandError, type BrandSettings, loadBrand } from './brand.ts';
import { accentProperties, contrast, lighterOf, SURFACES } from './colours.ts';

const CSS = readFileSync(new URL('../../../views/assets/concierge.css', import.meta.url), 'utf8');
const NOTHING: BrandSettings = {
  name: 'Example',
  logo: null,
  accentColor: null,
  accentColorDark: null,
  stylesheet: null,
};

const folder = mkdtempSync(join(tmpdir(), 'brand-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function refusal(settings: Partial<BrandSettings>): string {
  try {
    loadBrand({ ...NOTHING, ...settings });
  } catch (error) {
    if (error instanceof BrandError) {
      return error.message;
    }
    throw error;
  }
  return 'no refusal';
}

describe('the colours of a brand', () => {
  it('are held to what links really stand on', () => {
    const [light = '', dark = ''] = CSS.split('@media (prefers-color-scheme: dark)');
    for (const [css, scheme] of [
      [light, 'light'],
      [dark, 'dark'],
    ] as const) {
      const surfaces = ['--card', '--paper'].map((name) => css.match(new RegExp(`${name}: (#[0-9a-f]{6});`))?.[1]);
      expect(surfaces).toEqual(SURFACES[scheme].behind);
    }
  });

  it('have the contrast that WCAG computes', () => {
    expect(contrast('#000000', '#ffffff')).toBe(21);
    expect(contrast('#ffffff', '#ffffff')).toBe(1);
    // The figures of https://webaim.org/resources/contrastchecker.
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(contrast('#0000ff', '#ffffff')).toBeCloseTo(8.59, 2);
  });

  it.each(['#1a5c4b', '#0000ff', '#b00020', '#6b2fa0', '#000000'])(
    'may be %s: text is read on it and in it',
    (accent) => {
      const { css } = loadBrand({ ...NOTHING, accentColor: accent });
      expect(css).toContain(`--accent: ${accent};`);
      for (const [scheme, colour] of [
        ['light', accent],
        ['dark', lighterOf(accent)],
      ] as const) {
        const properties = accentProperties(colour, scheme);
        const { '--accent': button = '', '--accent-hover': hover = '', '--on-accent': on = '' } = properties;
        const { '--tint': tint = '', '--link': link = '' } = properties;
        expect(css).toContain(`--accent: ${button};`);
        for (const [text, behind] of [
          [on, button],
          [on, hover],
          [link, tint],
          ...SURFACES[scheme].behind.map((surface) => [link, surface] as const),
        ] as const) {
          expect(contrast(text, behind), `${text} on ${behind} (${scheme})`).toBeGreaterThanOrEqual(4.5);
        }
      }
    },
  );

  it('stop the start where text could not be read, and say by how much', () => {
    expect(refusal({ accentColor: '#ffcc00' })).toMatch(
      /brand\.accentColor: #ffcc00 has a contrast of 1\.3\d:1 on the light background #[0-9a-f]{6}, and text needs 4\.5:1\. Choose a darker one\./,
    );
    expect(refusal({ accentColorDark: '#14304a' })).toMatch(/accentColorDark: #14304a .* dark .* Choose a lighter one/);
    expect(
      refusal({ accentColor: '#eeeeee', accentColorDark: '#222222', logo: join(folder, 'none.png') }).split('\n'),
    ).toHaveLength(4);
  });

  it('leave what is ours where there are none', () => {
    expect(loadBrand(NOTHING)).toEqual({ name: 'Example', logo: undefined, css: '' });
    expect(loadBrand({ ...NOTHING, accentColorDark: '#9ecbff' }).css).not.toMatch(/^:root/);
  });
});

describe('the files of a brand', () => {
  const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1H0z"/></svg>';

  it.each([
    ['.svg', Buffer.from(SVG)],
    ['.svg', Buffer.from(`\uFEFF<?xml version="1.0"?>\n<!-- ours -->\n<!DOCTYPE svg>\n${SVG}`)],
    ['.png', Buffer.from('\x89PNG\r\n\x1a\n…', 'latin1')],
    ['.jpg', Buffer.from('\xff\xd8\xff\xe0…', 'latin1')],
    ['.webp', Buffer.from('RIFF\x01\x02\x03\x04WEBPVP8 ', 'latin1')],
  ])('are a %s by what is in it, whatever its name', (extension, content) => {
    const { logo } = loadBrand({ ...NOTHING, logo: fileOf('logo.bin', content) });
    expect(logo).toEqual({ extension, content });
  });

  it.each([
    ['a page', 'logo.svg', '<html><svg></svg></html>', /logo\.svg is no SVG, PNG, JPEG or WebP/],
    ['nothing', 'empty.png', '', /empty\.png is no SVG/],
    ['too much', 'big.svg', SVG + ' '.repeat(200_000), /has 2000\d\d bytes, and 200000 are the most/],
  ])('are refused: %s', (_what, name, content, words) => {
    expect(refusal({ logo: fileOf(name, content) })).toMatch(words);
  });

  it('must be there', () => {
    expect(refusal({ stylesheet: join(folder, 'nowhere.css') })).toMatch(/brand\.stylesheet: cannot be read: ENOENT/);
  });

  it('include a stylesheet, which comes after the colours', () => {
    const stylesheet = fileOf('brand.css', '.card { border-radius: 0 }');
    expect(loadBrand({ ...NOTHING, accentColor: '#0000ff', stylesheet }).css).toMatch(
      /^:root[\s\S]*\.card \{ border-radius: 0 \}$/,
    );
  });
});
