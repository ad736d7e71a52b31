// The project brings its own Node.js as an npm dependency, and scripts/run puts it first on the PATH. Where that failed
// (install scripts blocked, for example) say so here, instead of as a syntax error somewhere in a .ts file.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Concierge needs Node.js 24 or newer, and this is ${process.version} (${process.execPath}).\n` +
      'It brings its own as the development dependency "node". Run "npm ci" again with install scripts allowed\n' +
      '("npm ci --include=dev --ignore-scripts=false"), or put Node.js 24 first on the PATH.',
  );
  process.exit(1);
}
