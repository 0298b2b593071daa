import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { openS3 } from "../../src/blob/s3.ts";
import { parseS3Url } from "../../src/blob/s3-location.ts";
import { blobStoreContract } from "../contracts/blob-store.ts";
import { S3_TOOLS, type S3Server, startS3 } from "../support/blob/s3-server.ts";
import { atEnd, fileScope } from "../support/cleanup.ts";
import { hasTools } from "../support/toolchain.ts";

const file = fileScope();
let shared: Promise<S3Server> | undefined;
let prefixes = 0;

function server(): Promise<S3Server> {
  shared ??= startS3(file);
  return shared;
}

/** Small, so that small tests see several of each. */
const LIMITS = { pageKeys: 10, partBytes: 5 * 1024 * 1024, partsAtOnce: 2 };

blobStoreContract("in S3", async (t) => {
  if (!(await hasTools(t, S3_TOOLS))) return undefined;
  const s3 = await server();
  const prefix = `contract/${++prefixes}`;
  const open = () => openS3(parseS3Url(s3.url(prefix)), { limits: LIMITS });
  const [store, other] = [await open(), await open()];
  atEnd(t, () => Promise.all([store.close(), other.close()]));
  return { store, other, leftovers: () => uploadsBelow(s3, `${prefix}/`), mayLeave: true };
});

async function uploadsBelow(s3: S3Server, Prefix: string): Promise<number> {
  const client = new S3Client({ region: "us-east-1", endpoint: s3.endpoint, forcePathStyle: true });
  const command = new ListMultipartUploadsCommand({ Bucket: s3.bucket, Prefix });
  const { Uploads = [] } = await client.send(command);
  client.destroy();
  return Uploads.length;
}
