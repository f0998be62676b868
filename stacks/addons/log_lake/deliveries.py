"""One stream into one table: Firehose has each record transformed, and writes Parquet."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_glue as glue
from aws_cdk import aws_kinesisfirehose as firehose
from constructs import Construct

from stacks.addons.log_lake.catalog import folder_of

__all__ = ["BUFFER_MB", "ERRORS", "Delivery", "stream_name"]

ERRORS: Final = "errors/"
"""Below which Firehose keeps what could not be transformed or written, as it came."""

BUFFER_MB: Final = 64
"""The least that Firehose takes where it converts formats."""

_CALL_MB: Final = "1"
"""Of records in one call of the function: unpacked and transformed they are much larger."""


def stream_name(environment: str, table: str) -> str:
    """Return the name of the stream into a table; the function reads the table off its end."""
    return f"starburst-{environment}-lake-{table}"


class Delivery(Construct):
    """Takes records from one kind of source, and writes one table.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        account: twelve digits.
        region: where it is.
        table: of Glue, by name there.
        database: of the table.
        columns: of the table: Firehose asks Glue for them.
        bucket_arn: the lake's.
        key_arn: encrypts what is on its way, and what is written.
        role_arn: of the role that delivers.
        function_arn: transforms.
        seconds: that Firehose gathers records before it writes a file.

    Attributes:
        stream: for those who send.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        account: str,
        region: str,
        table: str,
        database: str,
        columns: glue.CfnTable,
        bucket_arn: str,
        key_arn: str,
        role_arn: str,
        function_arn: str,
        seconds: int,
    ) -> None:
        super().__init__(scope, construct_id)
        made = firehose.CfnDeliveryStream
        folder = folder_of(table, region=region, account=account)
        self.stream = made(
            self,
            "Stream",
            delivery_stream_name=stream_name(environment, table),
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=(
                made.DeliveryStreamEncryptionConfigurationInputProperty(
                    key_type="CUSTOMER_MANAGED_CMK", key_arn=key_arn
                )
            ),
            extended_s3_destination_configuration=made.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket_arn,
                role_arn=role_arn,
                buffering_hints=made.BufferingHintsProperty(
                    interval_in_seconds=seconds, size_in_m_bs=BUFFER_MB
                ),
                prefix=f"{folder}eventday=!{{timestamp:yyyyMMdd}}/",
                error_output_prefix=(
                    f"{ERRORS}{table}/!{{firehose:error-output-type}}/!{{timestamp:yyyyMMdd}}/"
                ),
                # Parquet compresses by itself.
                compression_format="UNCOMPRESSED",
                encryption_configuration=made.EncryptionConfigurationProperty(
                    kms_encryption_config=made.KMSEncryptionConfigProperty(awskms_key_arn=key_arn)
                ),
                # What failed says so where it is kept; a log stream of its own would be one more
                # thing that whoever deploys may delete.
                cloud_watch_logging_options=made.CloudWatchLoggingOptionsProperty(enabled=False),
                processing_configuration=made.ProcessingConfigurationProperty(
                    enabled=True,
                    processors=[
                        made.ProcessorProperty(
                            type="Lambda",
                            parameters=[
                                made.ProcessorParameterProperty(
                                    parameter_name=name, parameter_value=value
                                )
                                for name, value in (
                                    ("LambdaArn", function_arn),
                                    ("BufferSizeInMBs", _CALL_MB),
                                    ("BufferIntervalInSeconds", "60"),
                                    ("NumberOfRetries", "10"),
                                )
                            ],
                        )
                    ],
                ),
                data_format_conversion_configuration=(
                    made.DataFormatConversionConfigurationProperty(
                        enabled=True,
                        input_format_configuration=made.InputFormatConfigurationProperty(
                            deserializer=made.DeserializerProperty(
                                open_x_json_ser_de=made.OpenXJsonSerDeProperty()
                            )
                        ),
                        output_format_configuration=made.OutputFormatConfigurationProperty(
                            serializer=made.SerializerProperty(
                                parquet_ser_de=made.ParquetSerDeProperty(compression="SNAPPY")
                            )
                        ),
                        schema_configuration=made.SchemaConfigurationProperty(
                            catalog_id=account,
                            database_name=database,
                            table_name=table,
                            region=region,
                            role_arn=role_arn,
                            version_id="LATEST",
                        ),
                    )
                ),
            ),
        )
        self.stream.node.add_dependency(columns)
