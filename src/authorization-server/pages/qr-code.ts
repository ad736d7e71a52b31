import qrcode from 'qrcode';

/** Markup of its own (SVG): it may hold a secret, which an address or a file would give away. */
export function qrCode(text: string): Promise<string> {
  return qrcode.toString(text, { type: 'svg', margin: 1, errorCorrectionLevel: 'L' });
}
