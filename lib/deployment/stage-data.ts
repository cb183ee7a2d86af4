/** The data of a stage in its AWS account. Each call resolves when it is done, also where there was nothing to do. */
export interface StageData {
  /** Every version of every object. */
  emptyBucket(bucket: string): Promise<void>;
  deleteBucket(bucket: string): Promise<void>;
  /** Also one that is protected. */
  deleteTable(table: string): Promise<void>;
  deleteEventBus(bus: string): Promise<void>;
}
