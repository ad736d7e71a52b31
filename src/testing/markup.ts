/** Every script element of a page but those that the layout puts there, files of ours: none of them may be. */
export function scriptsBesideOurs(html: string): readonly string[] {
  return html.match(/<script(?! src="\/assets\/[\w-]+\.[\w-]{12}\.js" defer><\/script>)[^>]*/gi) ?? [];
}
