//  Subtractive for MuseScore 3: writes a missing bass, drums or guitar into the current score.
//
//  `python -m symbolic.plugin install` puts this file in place, and beside it subtractive.json,
//  which says which Python to run. The score is given to `python -m symbolic.add`, and what that
//  writes is opened in a new tab; the score itself is left as it is.
//
//  For scripts: with an object "batch" in subtractive.json, nothing is asked. Its fields are those
//  of `wishes` below, and "log", a file that the outcome is written to.

import QtQuick 2.2
import QtQuick.Controls 1.0
import QtQuick.Layouts 1.0
import MuseScore 3.0
import FileIO 3.0

MuseScore {
    id: plugin
    menuPath: "Plugins.Subtractive"
    description: qsTr("Writes a missing bass, drums or guitar")
    version: "1.0"
    requiresScore: true
    pluginType: "dialog"
    width: 460
    height: 330

    property var settings: ({})
    property int patience: 600000 // milliseconds

    FileIO { id: settingsFile; source: localPath(Qt.resolvedUrl("subtractive.json")) }
    FileIO { id: written }
    FileIO { id: result }
    FileIO { id: log }
    QProcess { id: command }

    onRun: {
        var problem = readSettings();
        if (settings.batch) {
            var outcome = problem ? { status: "error", message: problem } : write(settings.batch);
            log.source = settings.batch.log;
            log.write(JSON.stringify(outcome));
            Qt.quit();
            return;
        }
        message.text = problem;
        writeButton.enabled = !problem;
        bars.text = selectedBars();
    }

    function localPath(url) {
        var path = decodeURIComponent(url.toString().replace(/^file:\/\//, ""));
        // on Windows "/C:/..."
        return path.replace(/^\/([A-Za-z]:)/, "$1");
    }

    // Returns what is wrong with the settings; nothing if all is well.
    function readSettings() {
        try {
            settings = JSON.parse(settingsFile.read());
        } catch (error) {
            settings = {};
        }
        return settings.python ? "" : qsTr(
            "subtractive.json, which says where Python is, is not beside the plugin: run " +
            "'python -m symbolic.plugin install' again");
    }

    // Returns the selected measures, counted from the first one, such as "m9-m16"; else nothing.
    function selectedBars() {
        var cursor = curScore.newCursor();
        cursor.rewind(Cursor.SELECTION_START);
        if (!cursor.segment)
            return "";
        var start = cursor.tick;
        cursor.rewind(Cursor.SELECTION_END);
        // a selection up to the end of the score ends at tick 0
        var end = cursor.tick > start ? cursor.tick : Infinity;
        var first = 0, last = 0, count = 0;
        for (var measure = curScore.firstMeasure; measure; measure = measure.nextMeasure) {
            count += 1;
            var tick = measure.firstSegment.tick;
            if (tick <= start)
                first = count;
            if (tick < end)
                last = count;
        }
        return "m" + first + "-m" + last;
    }

    // A word of a command line, as QProcess takes it apart again.
    function quoted(word) {
        return '"' + String(word).replace(/"/g, '"""') + '"';
    }

    // Writes the part and opens the result; returns the command's status line, or what went wrong.
    function write(wishes) {
        // names that no other run has, so that nothing old can be opened
        var unique = Date.now().toString(36) + Math.floor(Math.random() * 1e9).toString(36);
        var title = curScore.scoreName.replace(/[^\w .-]/g, "_") || "score";
        var stem = result.tempPath() + "/" + title + " with " + wishes.instrument + " " + unique;
        written.source = stem + ".before.musicxml";
        result.source = stem + ".musicxml";
        if (!writeScore(curScore, written.source, "musicxml") || !written.exists())
            return failed(qsTr("MuseScore could not write the score as MusicXML"));
        var words = [settings.python, "-m", "symbolic.add", "--json",
                     "--instrument", wishes.instrument, written.source, "-o", result.source,
                     "--seed", wishes.seed || 0];
        if (wishes.prompt)
            words.push("--prompt", wishes.prompt);
        if (wishes.bars)
            words.push("--bars", wishes.bars);
        if (wishes.temperature)
            words.push("--temperature", wishes.temperature);
        if (wishes.existing)
            words.push("--" + wishes.existing);
        command.start(words.map(quoted).join(" "));
        var ended = command.waitForFinished(patience);
        var lines = String(command.readAllStandardOutput()).trim().split("\n");
        written.remove();
        var status;
        try {
            status = JSON.parse(lines[lines.length - 1]);
        } catch (error) {
            return failed(qsTr("The command did not run to its end%1: see whether %2 starts, and " +
                "run 'python -m symbolic.plugin install' again").arg(ended ? "" : qsTr(" in time"))
                .arg(settings.python));
        }
        if (status.status !== "ok")
            return status;
        if (!result.exists())
            return failed(qsTr("The command wrote no score: try again"));
        var opened = readScore(result.source);
        if (!opened)
            return failed(qsTr("MuseScore could not open %1").arg(result.source));
        status.staves = opened.nstaves;
        result.remove();
        return status;
    }

    function failed(sentence) {
        return { status: "error", message: sentence };
    }

    GridLayout {
        anchors.fill: parent
        anchors.margins: 12
        columns: 2

        Label { text: qsTr("Instrument") }
        ComboBox {
            id: instrument
            model: ["bass", "drums", "guitar"]
            Layout.fillWidth: true
        }
        Label { text: qsTr("If it is there already") }
        ComboBox {
            id: existing
            model: [qsTr("stop and say so"), qsTr("replace it"), qsTr("write one more")]
            Layout.fillWidth: true
        }
        // (not TextField: MuseScore 3.2 crashes when a dialog with one is opened)
        Label { text: qsTr("Words, or none") }
        Rectangle {
            implicitHeight: 26
            border.color: "#999999"
            Layout.fillWidth: true
            TextInput { id: prompt; anchors.fill: parent; anchors.margins: 5; clip: true; selectByMouse: true }
        }
        Label { text: qsTr("Bars, such as 9-16, or none for all") }
        Rectangle {
            implicitHeight: 26
            border.color: "#999999"
            Layout.fillWidth: true
            TextInput { id: bars; anchors.fill: parent; anchors.margins: 5; clip: true; selectByMouse: true }
        }
        Label { text: qsTr("Seed") }
        SpinBox { id: seed; minimumValue: 0; maximumValue: 999999; Layout.fillWidth: true }
        Label { text: qsTr("Temperature, such as 0.7, or none") }
        Rectangle {
            implicitHeight: 26
            border.color: "#999999"
            Layout.fillWidth: true
            TextInput { id: temperature; anchors.fill: parent; anchors.margins: 5; clip: true; selectByMouse: true }
        }
        Label {
            id: message
            wrapMode: Text.WordWrap
            Layout.columnSpan: 2
            Layout.fillWidth: true
            Layout.fillHeight: true
        }
        RowLayout {
            Layout.columnSpan: 2
            Layout.alignment: Qt.AlignRight
            Button { text: qsTr("Close"); onClicked: Qt.quit() }
            Button {
                id: writeButton
                text: qsTr("Write")
                isDefault: true
                onClicked: {
                    enabled = false;
                    message.text = qsTr("Writing: MuseScore waits until it is done.");
                    later.start();
                }
            }
        }
    }

    // The window shows the message before the command holds everything up.
    Timer {
        id: later
        interval: 50
        onTriggered: {
            var outcome = plugin.write({
                instrument: instrument.currentText,
                existing: ["", "replace", "beside"][existing.currentIndex],
                prompt: prompt.text,
                bars: bars.text,
                seed: seed.value,
                temperature: temperature.text
            });
            message.text = outcome.status === "ok"
                ? qsTr("%1: in a new tab").arg(outcome.outputs[0].summary) : outcome.message;
            writeButton.enabled = true;
        }
    }
}
