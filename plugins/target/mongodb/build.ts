/** How far the server is with an index build, as it tells of itself. */
import type { Db, Document } from "mongodb";

const LOOK_INTERVAL = 1000;
/** A build first scans the collection, then inserts the sorted keys: the first is the longer part. */
const SCANNING = 0.7;

/**
 * Waits for a build and looks how far it is, every second.
 *
 * @param onProgress told a share from 0 to 1, where the server tells one and the user may see it
 */
export async function watchBuild<T>(
  db: Db,
  collection: string,
  build: Promise<T>,
  onProgress: (share: number) => void,
): Promise<T> {
  const timer = setInterval(() => {
    // The user may lack the right, or the server be away: only the percentage is lost.
    buildShare(db, collection).then(
      (share) => share !== undefined && onProgress(share),
      () => {},
    );
  }, LOOK_INTERVAL);
  try {
    return await build;
  } finally {
    clearInterval(timer);
  }
}

async function buildShare(db: Db, collection: string): Promise<number | undefined> {
  const builds = await db.client
    .db("admin")
    .aggregate([
      { $currentOp: { allUsers: true } },
      {
        $match: {
          "command.createIndexes": collection,
          "command.$db": db.databaseName,
          "progress.total": { $gt: 0 },
        },
      },
    ])
    .toArray();
  return builds[0] && shareOf(builds[0]);
}

/** The share of a build from its entry in the list of operations. */
export function shareOf({ msg, progress }: Document): number {
  const share = Math.min(1, Number(progress.done) / Number(progress.total));
  return /scanning/i.test(String(msg)) ? share * SCANNING : SCANNING + share * (1 - SCANNING);
}
