// A log as JSON, a span as JSON, and a metric as protobuf: `node exporters.mjs URL`.
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

const url = process.argv[2];
const resource = resourceFromAttributes({ "service.name": "frontend" });

const tracers = new BasicTracerProvider({
  resource,
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }))],
});
tracers.getTracer("pages").startSpan("load", { attributes: { tries: 2 } }).end();

const logs = new LoggerProvider({
  resource,
  processors: [
    new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${url}/v1/logs` }) }),
  ],
});
logs.getLogger("pages").emit({ severityNumber: 13, body: "slow" });

const meters = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
    }),
  ],
});
meters.getMeter("pages").createCounter("loads").add(7);

await Promise.all([tracers.shutdown(), logs.shutdown(), meters.shutdown()]);
