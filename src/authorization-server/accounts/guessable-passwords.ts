/**
 * Passwords that are guessed first, told without asking anybody.
 *
 * Lists of the most common passwords are long because few words are written in many ways: "Password2026!", "p@ssw0rd1234",
 * "qwertyqwerty". So the words are kept (guessable-words.txt), and a password is common when it is nothing but at most two
 * of them: dates, years, repetitions and keys in a row count as words, and capitals, punctuation and digits for letters as nothing.
 */
import { readFileSync } from 'node:fs';

export interface Guessable {
  isCommon(password: string): boolean;
  /** Whether it is little more than these: a name, an email address, a brand. */
  isAbout(password: string, subjects: readonly string[]): boolean;
}

/** More pieces than this are a passphrase, however common each is. */
const MOST_PIECES = 2;

/** A piece of a name that is shorter stands in many words. */
const SHORTEST_SUBJECT = 3;

/** Beside a person's own name and the brand's a password needs as much as the shortest password has. */
const LEAST_OF_ITS_OWN = 8;

/** A date; rows may be longer, and count as several. */
const LONGEST_NUMBER = 8;

const WORDS = new URL('./guessable-words.txt', import.meta.url);

export function createGuessable(): Guessable {
  const words = readWords();
  const longest = Math.max(...[...words].map((word) => word.length), LONGEST_NUMBER);
  const isPiece = (piece: string) =>
    piece.length === 1 || isRow(piece) || isNumber(piece) || words.has(lettersFor(piece));
  return {
    isCommon(password) {
      const text = onceOf(fold(password).replaceAll(/(?![@$!])[\s\p{P}\p{Sm}\p{Sc}\p{Sk}]/gu, ''));
      return text.length <= MOST_PIECES * longest && fewestPieces(text, isPiece, longest) <= MOST_PIECES;
    },
    isAbout(password, subjects) {
      const folded = fold(password);
      const rest = subjectWords(subjects).reduce((text, word) => text.replaceAll(word, ' '), folded);
      return rest !== folded && rest.replaceAll(/[^\p{L}\p{N}]/gu, '').length < LEAST_OF_ITS_OWN;
    },
  };
}

function readWords(): Set<string> {
  const lines = readFileSync(WORDS, 'utf8').split('\n');
  return new Set(
    lines
      .filter((line) => !line.startsWith('#'))
      .flatMap((line) => line.split(/\s+/))
      .filter((word) => word !== '')
      .map(lettersFor),
  );
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

const LETTERS: Readonly<Record<string, string>> = {
  '@': 'a',
  $: 's',
  '!': 'i',
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  l: 'i',
};

/** One spelling for all in which digits and signs stand for letters; `1` stands for two of them. */
function lettersFor(text: string): string {
  return text.replaceAll(/[@$!013457l]/g, (sign) => LETTERS[sign] ?? sign);
}

/** What is written several times counts once. */
function onceOf(text: string): string {
  const period = `${text}${text}`.indexOf(text, 1);
  return text.slice(0, period);
}

/** Of how many pieces a text is made; infinite when something else is in it. */
function fewestPieces(text: string, isPiece: (piece: string) => boolean, longest: number): number {
  const fewest = [0];
  for (let end = 1; end <= text.length; end += 1) {
    let best = Number.POSITIVE_INFINITY;
    for (let start = Math.max(0, end - longest); start < end; start += 1) {
      const piece = text.slice(start, end);
      if (/^[@$!]+$/.test(piece)) {
        best = Math.min(best, fewest[start] ?? best);
      } else if (isPiece(piece)) {
        best = Math.min(best, (fewest[start] ?? best) + 1);
      }
    }
    fewest.push(best);
  }
  return fewest[text.length] ?? 0;
}

/** `aaaa`, `1234`, `fedcba`: each character as far from the one before it. `90` follows `89`. */
function isRow(piece: string): boolean {
  if (piece.length < 3) {
    return false;
  }
  const codes = [...piece.replace(/90(?=1|$)/, '9:')].map((character) => character.charCodeAt(0));
  const step = (codes[1] ?? 0) - (codes[0] ?? 0);
  return Math.abs(step) <= 1 && codes.every((code, at) => at === 0 || code - (codes[at - 1] ?? 0) === step);
}

/** A few digits at the end, a year, a date. */
function isNumber(piece: string): boolean {
  return (
    /^\d{1,4}$/.test(piece) ||
    /^(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])((19|20)?\d\d)$/.test(piece) ||
    /^(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])((19|20)?\d\d)$/.test(piece) ||
    /^((19|20)?\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.test(piece)
  );
}

function subjectWords(subjects: readonly string[]): string[] {
  const whole = subjects.map(fold);
  const parts = whole.flatMap((subject) => subject.split(/[^\p{L}\p{N}]+/u));
  return [...new Set([...whole, ...parts])]
    .filter((word) => word.length >= SHORTEST_SUBJECT)
    .sort((one, other) => other.length - one.length);
}
