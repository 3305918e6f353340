/**
 * Unpacks the browser of @sparticuz/chromium, and the libraries that a bare system lacks, into TMPDIR.
 * AWS_EXECUTION_ENV must name a Node 20 or newer: only then does the package unpack those libraries.
 */
import chromium from "@sparticuz/chromium";

console.log(await chromium.executablePath());
