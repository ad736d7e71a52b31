/** Markup of its own (SVG): it may hold a secret, which an address or a file would give away. */
export async function qrCode(text: string): Promise<string> {
  const { default: qrcode } = await import('qrcode'); // Not loaded where nobody sets up an authenticator app.
  return qrcode.toString(text, { type: 'svg', margin: 1, errorCorrectionLevel: 'L' });
}
