import { minutesAgo } from './time-words.ts';

/** A device that asks, as people see it. */
export interface AskingDevice {
  /** As the device shows it. */
  readonly code: string;
  readonly address: string | undefined;
  /** What the device says of itself. */
  readonly software: string | undefined;
  readonly minutesAgo: number;
}

interface DeviceCode {
  readonly userCode?: string | undefined;
  readonly iat?: number | undefined;
  readonly deviceInfo?: Readonly<Record<string, unknown>> | undefined;
}

const LONGEST_SOFTWARE = 80;

export function askingDevice(code: DeviceCode, now = Date.now()): AskingDevice {
  const { userCode = '' } = code;
  const { address, software } = code.deviceInfo ?? {};
  return {
    code: `${userCode.slice(0, 4)}-${userCode.slice(4)}`,
    address: typeof address === 'string' && address !== '' ? address.replace(/^::ffff:/i, '') : undefined,
    software: readable(software),
    minutesAgo: minutesAgo(now / 1000 - (code.iat ?? 0)),
  };
}

/** A stranger's words: nothing invisible in them, and not too many. */
function readable(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.replaceAll(/[^\x20-\x7E]/g, '').trim() : '';
  if (text === '') {
    return undefined;
  }
  return text.length > LONGEST_SOFTWARE ? `${text.slice(0, LONGEST_SOFTWARE)}…` : text;
}
