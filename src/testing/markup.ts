/** Every script element of a page but the one that the layout puts there: none of them may be. */
export function scriptsBesideOurs(html: string): readonly string[] {
  return html.match(/<script(?! src="\/assets\/submit-once\.[\w-]+\.js" defer><\/script>)[^>]*/gi) ?? [];
}
