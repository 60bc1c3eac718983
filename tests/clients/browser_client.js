// Calls every method of the npm package dicomweb-client; the values are compared in Python.
async (arguments_) => {
    const { url, study, series, instance, file } = arguments_;
    const { DICOMwebClient } = window.DICOMwebClient.api;
    const client = new DICOMwebClient({ url, singlepart: "" });
    const of = { studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance };
    const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const BINARY = { responseType: "arraybuffer" };
    const picture = (answer) => hex(Array.isArray(answer) ? answer[0] : answer);
    const bytes = Uint8Array.from(file.match(/../g), (pair) => parseInt(pair, 16)).buffer;
    const uids = (models) => models.map((model) => model["00080018"].Value[0]).sort();
    const calls = {
        searchForStudies: async () => (await client.searchForStudies({ queryParams: { PatientID: "BROWSER" } })).length,
        searchForSeries: async () => (await client.searchForSeries({ studyInstanceUID: study })).length,
        searchForInstances: async () => uids(await client.searchForInstances(of)),
        retrieveStudyMetadata: async () => uids(await client.retrieveStudyMetadata(of)),
        retrieveSeriesMetadata: async () => uids(await client.retrieveSeriesMetadata(of)),
        retrieveInstanceMetadata: async () => uids([].concat(await client.retrieveInstanceMetadata(of))),
        retrieveStudy: async () => (await client.retrieveStudy(of)).map(hex),
        retrieveSeries: async () => (await client.retrieveSeries(of)).map(hex),
        retrieveInstance: async () => hex(await client.retrieveInstance(of)),
        retrieveInstanceFrames: async () => (await client.retrieveInstanceFrames({ ...of, frameNumbers: [1] })).map(hex),
        retrieveInstanceRendered: async () => picture(await client.retrieveInstanceRendered({ ...of, request: BINARY })),
        retrieveInstanceThumbnail: async () => picture(await client.retrieveInstanceThumbnail({ ...of, request: BINARY })),
        retrieveInstanceFramesRendered: async () => picture(await client.retrieveInstanceFramesRendered({ ...of, request: BINARY, frameNumbers: [1] })),
        retrieveInstanceFramesThumbnail: async () => picture(await client.retrieveInstanceFramesThumbnail({ ...of, request: BINARY, frameNumbers: [1] })),
        retrieveBulkData: async () => {
            const [model] = await client.retrieveInstanceMetadata(of);
            return (await client.retrieveBulkData({ BulkDataURI: model["7FE00010"].BulkDataURI })).map(hex);
        },
        buildInstanceWadoURIUrl: async () => {
            const built = client.buildInstanceWadoURIUrl({ ...of, contentType: "application/dicom", transferSyntax: "*" });
            return hex(await (await fetch(built.replace("/dicom-web", "/wado"))).arrayBuffer());
        },
        storeInstances: async () => JSON.parse(await client.storeInstances({ datasets: [bytes] }))["00081199"].Value.length,
    };
    const found = {};
    for (const [name, call] of Object.entries(calls)) {
        try {
            found[name] = await call();
        } catch (error) {
            found[name] = `failed: ${error.status ?? ""} ${error.message ?? error}`;
        }
    }
    const has = Object.getOwnPropertyNames(DICOMwebClient.prototype).filter((name) => /^(search|retrieve|store|build)/.test(name));
    return { found, has };
}
