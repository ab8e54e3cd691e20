#!/bin/sh
# Makes vega.min.js (Vega, Vega-Lite and Vega-Embed in one minified file) and LICENSE from the npm packages that
# package-lock.json pins. Needs npm and a network; its output is committed, so that a build needs neither.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/entry.js" "$work"
[ ! -e "$here/package-lock.json" ] || cp "$here/package-lock.json" "$work"
cd "$work"
if [ -e package-lock.json ]; then npm ci --silent; else npm install --silent; fi
npx esbuild entry.js --bundle --minify --format=iife --global-name=hourglassCharts --target=es2020 --charset=utf8 \
  --legal-comments=none --outfile=vega.min.js
if grep -qi -e '</script' -e '<!--' vega.min.js; then
  echo "make-bundle: the bundle holds a text that would end its <script>" >&2
  exit 1
fi
{
  echo "vega.min.js bundles the packages below, each under its own licence."
  npm query ':root *:not(.dev)' | node -e '
    const {readFileSync, readdirSync} = require("fs");
    const all = JSON.parse(readFileSync(0, "utf8")).filter((p) => !p.dev).sort((a, b) => a.name.localeCompare(b.name));
    const texts = new Map();
    for (const p of all) {
      const file = readdirSync(p.path).find((name) => /^licen[cs]e/i.test(name));
      const text = file ? readFileSync(p.path + "/" + file, "utf8").trim() : "Licence: " + p.license;
      texts.set(text, [...(texts.get(text) || []), p.name + " " + p.version + " (" + p.license + ")"]);
    }
    for (const [text, names] of texts) console.log("\n" + "-".repeat(80) + "\n" + names.join("\n") + "\n\n" + text);'
} > LICENSE
cp vega.min.js LICENSE package-lock.json "$here"
