CREATE TABLE IF NOT EXISTS `dicom_state_meta` (
    `tenant` VARCHAR(128) NOT NULL,
    `study_instance_uid` VARCHAR(64) NOT NULL,
    `series_instance_uid` VARCHAR(64) NOT NULL,
    `revision` BIGINT NOT NULL COMMENT 'of the series in the archive; it grows with every change',
    `patient_id` STRING NULL,
    `issuer_of_patient_id` STRING NULL,
    `patient_name` STRING NULL COMMENT 'all groups: Yamada^Tarou=...',
    `patient_birth_date` DATE NULL,
    `patient_sex` STRING NULL,
    `study_date` DATE NULL,
    `study_time` STRING NULL COMMENT 'HHMMSS.ffffff',
    `study_id` STRING NULL,
    `study_description` STRING NULL,
    `accession_number` STRING NULL,
    `referring_physician_name` STRING NULL,
    `modality` STRING NULL,
    `series_number` INT NULL,
    `series_date` DATE NULL,
    `series_time` STRING NULL COMMENT 'HHMMSS.ffffff',
    `series_description` STRING NULL,
    `body_part_examined` STRING NULL,
    `protocol_name` STRING NULL,
    `institution_name` STRING NULL,
    `station_name` STRING NULL,
    `manufacturer` STRING NULL,
    `manufacturer_model_name` STRING NULL,
    `sop_class_uids` STRING NULL COMMENT 'backslashes between',
    `transfer_syntax_uids` STRING NULL COMMENT 'backslashes between',
    `number_of_instances` INT NOT NULL,
    `size_bytes` BIGINT NOT NULL COMMENT 'of its files',
    `first_received_at` DATETIME(6) NOT NULL,
    `last_received_at` DATETIME(6) NOT NULL,
    `updated_at` DATETIME(6) NOT NULL COMMENT 'when this row was made',
    `schema_version` INT NOT NULL COMMENT 'of the program that wrote the row',
    `deleted_at` DATETIME(6) NULL COMMENT 'when it was deleted from the archive; null: it is there',
    INDEX `patient_id_index` (`patient_id`) USING INVERTED,
    INDEX `study_date_index` (`study_date`) USING INVERTED,
    INDEX `accession_number_index` (`accession_number`) USING INVERTED,
    INDEX `modality_index` (`modality`) USING INVERTED
)
UNIQUE KEY (`tenant`, `study_instance_uid`, `series_instance_uid`)
COMMENT 'dicomhub, schema version 2'
DISTRIBUTED BY HASH (`study_instance_uid`) BUCKETS 8
PROPERTIES (
    "replication_num" = "3",
    "enable_unique_key_merge_on_write" = "true",
    "function_column.sequence_col" = "revision"
);

CREATE TABLE IF NOT EXISTS `dicom_image_meta` (
    `tenant` VARCHAR(128) NOT NULL,
    `study_instance_uid` VARCHAR(64) NOT NULL,
    `series_instance_uid` VARCHAR(64) NOT NULL,
    `sop_instance_uid` VARCHAR(64) NOT NULL,
    `received_at` DATETIME(6) NOT NULL,
    `sop_class_uid` VARCHAR(64) NOT NULL,
    `transfer_syntax_uid` VARCHAR(64) NOT NULL,
    `modality` STRING NULL,
    `study_date` DATE NULL,
    `patient_id` STRING NULL,
    `instance_number` INT NULL,
    `rows_count` INT NULL COMMENT 'Rows',
    `columns_count` INT NULL COMMENT 'Columns',
    `number_of_frames` INT NULL,
    `pixel_spacing_row` DOUBLE NULL COMMENT 'mm between the centres of rows',
    `pixel_spacing_column` DOUBLE NULL COMMENT 'mm between the centres of columns',
    `slice_thickness` DOUBLE NULL COMMENT 'mm',
    `slice_location` DOUBLE NULL COMMENT 'mm',
    `image_position_x` DOUBLE NULL COMMENT 'mm',
    `image_position_y` DOUBLE NULL COMMENT 'mm',
    `image_position_z` DOUBLE NULL COMMENT 'mm',
    `image_orientation_patient` STRING NULL COMMENT 'six numbers, backslashes between',
    `samples_per_pixel` INT NULL,
    `photometric_interpretation` STRING NULL,
    `bits_allocated` INT NULL,
    `bits_stored` INT NULL,
    `high_bit` INT NULL,
    `pixel_representation` INT NULL,
    `window_center` DOUBLE NULL COMMENT 'the first',
    `window_width` DOUBLE NULL COMMENT 'the first',
    `size_bytes` BIGINT NOT NULL COMMENT 'of the file',
    `digest` VARCHAR(128) NOT NULL COMMENT 'xxh3-128:<hex>',
    `path` STRING NOT NULL COMMENT 'relative to the store''s root',
    `source` VARCHAR(128) NOT NULL COMMENT 'dimse, stow or import',
    `calling_ae_title` STRING NULL,
    `header` VARIANT NULL COMMENT 'the whole header, DICOM JSON Model (PS3.18 F)',
    `schema_version` INT NOT NULL COMMENT 'of the program that wrote the row',
    `deleted_at` DATETIME(6) NULL COMMENT 'when it was deleted from the archive; null: it is there',
    INDEX `modality_index` (`modality`) USING INVERTED,
    INDEX `study_date_index` (`study_date`) USING INVERTED,
    INDEX `patient_id_index` (`patient_id`) USING INVERTED
)
UNIQUE KEY (`tenant`, `study_instance_uid`, `series_instance_uid`, `sop_instance_uid`)
COMMENT 'dicomhub, schema version 2'
DISTRIBUTED BY HASH (`study_instance_uid`) BUCKETS 8
PROPERTIES (
    "replication_num" = "3",
    "enable_unique_key_merge_on_write" = "true",
    "function_column.sequence_col" = "received_at"
);

CREATE TABLE IF NOT EXISTS `dicom_receive_log` (
    `received_at` DATETIME(6) NOT NULL,
    `event_id` VARCHAR(128) NOT NULL COMMENT 'names this event, the same whenever its row is made again',
    `tenant` VARCHAR(128) NOT NULL,
    `study_instance_uid` VARCHAR(64) NOT NULL,
    `series_instance_uid` VARCHAR(64) NOT NULL,
    `sop_instance_uid` VARCHAR(64) NOT NULL,
    `sop_class_uid` VARCHAR(64) NOT NULL,
    `transfer_syntax_uid` VARCHAR(64) NOT NULL,
    `modality` STRING NULL,
    `size_bytes` BIGINT NOT NULL,
    `source` VARCHAR(128) NOT NULL COMMENT 'dimse, stow or import',
    `calling_ae_title` STRING NULL,
    `called_ae_title` STRING NULL,
    `source_address` STRING NULL,
    `trace_id` VARCHAR(128) NOT NULL COMMENT 'the association, request or import that brought it',
    `batch_id` VARCHAR(128) NOT NULL,
    `node` VARCHAR(128) NOT NULL COMMENT 'the host that wrote the row',
    `indexed_at` DATETIME(6) NULL,
    `schema_version` INT NOT NULL COMMENT 'of the program that wrote the row',
    INDEX `study_instance_uid_index` (`study_instance_uid`) USING INVERTED,
    INDEX `modality_index` (`modality`) USING INVERTED
)
UNIQUE KEY (`received_at`, `event_id`)
COMMENT 'dicomhub, schema version 2'
AUTO PARTITION BY RANGE (date_trunc(`received_at`, 'month')) ()
DISTRIBUTED BY HASH (`event_id`) BUCKETS 8
PROPERTIES (
    "replication_num" = "3",
    "enable_unique_key_merge_on_write" = "true",
    "partition.retention_count" = "24"
);

CREATE TABLE IF NOT EXISTS `dicom_transcode_log` (
    `happened_at` DATETIME(6) NOT NULL COMMENT 'when the attempt ended',
    `event_id` VARCHAR(128) NOT NULL COMMENT 'names this event, the same whenever its row is made again',
    `tenant` VARCHAR(128) NOT NULL,
    `study_instance_uid` VARCHAR(64) NOT NULL,
    `series_instance_uid` VARCHAR(64) NOT NULL,
    `sop_instance_uid` VARCHAR(64) NOT NULL,
    `sop_class_uid` VARCHAR(64) NOT NULL,
    `manufacturer` STRING NULL,
    `source_transfer_syntax_uid` VARCHAR(64) NOT NULL,
    `target_transfer_syntax_uid` VARCHAR(64) NOT NULL,
    `codec` STRING NULL,
    `outcome` VARCHAR(128) NOT NULL COMMENT 'as the transcode stage names it; a success is rendered',
    `reason` STRING NULL COMMENT 'why it failed or was not needed',
    `attempt` INT NOT NULL,
    `seconds` DOUBLE NOT NULL,
    `bytes_in` BIGINT NOT NULL,
    `bytes_out` BIGINT NOT NULL COMMENT '0 without a success',
    `node` VARCHAR(128) NOT NULL COMMENT 'the host that wrote the row',
    `schema_version` INT NOT NULL COMMENT 'of the program that wrote the row',
    INDEX `study_instance_uid_index` (`study_instance_uid`) USING INVERTED
)
UNIQUE KEY (`happened_at`, `event_id`)
COMMENT 'dicomhub, schema version 2'
AUTO PARTITION BY RANGE (date_trunc(`happened_at`, 'month')) ()
DISTRIBUTED BY HASH (`event_id`) BUCKETS 8
PROPERTIES (
    "replication_num" = "3",
    "enable_unique_key_merge_on_write" = "true",
    "partition.retention_count" = "24"
);

CREATE TABLE IF NOT EXISTS `wado_access_log` (
    `happened_at` DATETIME(6) NOT NULL COMMENT 'when the request came',
    `event_id` VARCHAR(128) NOT NULL COMMENT 'names this event, the same whenever its row is made again',
    `tenant` VARCHAR(128) NOT NULL,
    `user_name` STRING NOT NULL COMMENT 'empty when nobody had to log in',
    `address` STRING NOT NULL COMMENT 'the client''s',
    `method` VARCHAR(128) NOT NULL,
    `resource` VARCHAR(128) NOT NULL COMMENT 'study, series, instance, frames, metadata, bulkdata, rendered, search, store, ...',
    `study_instance_uid` VARCHAR(64) NOT NULL,
    `series_instance_uid` VARCHAR(64) NOT NULL,
    `sop_instance_uid` VARCHAR(64) NOT NULL,
    `query` STRING NULL COMMENT 'the query string',
    `status` INT NOT NULL,
    `bytes_sent` BIGINT NOT NULL,
    `milliseconds` DOUBLE NOT NULL COMMENT 'until the last byte was handed over',
    `user_agent` STRING NULL,
    `request_id` VARCHAR(128) NOT NULL,
    `node` VARCHAR(128) NOT NULL COMMENT 'the host that wrote the row',
    `schema_version` INT NOT NULL COMMENT 'of the program that wrote the row',
    INDEX `user_name_index` (`user_name`) USING INVERTED,
    INDEX `study_instance_uid_index` (`study_instance_uid`) USING INVERTED,
    INDEX `status_index` (`status`) USING INVERTED
)
UNIQUE KEY (`happened_at`, `event_id`)
COMMENT 'dicomhub, schema version 2'
AUTO PARTITION BY RANGE (date_trunc(`happened_at`, 'month')) ()
DISTRIBUTED BY HASH (`event_id`) BUCKETS 8
PROPERTIES (
    "replication_num" = "3",
    "enable_unique_key_merge_on_write" = "true",
    "partition.retention_count" = "24"
);
