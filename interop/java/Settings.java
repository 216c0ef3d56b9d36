// SPDX-License-Identifier: Apache-2.0

import java.nio.file.*;
import java.util.*;

/** A cache.ccf of Capture's nodes. */
final class Settings {
    static final String GROUP = "228.5.6.7";
    static final int GROUP_PORT = 6780;

    private final String root;
    private final List<String> lines = new ArrayList<>();

    Settings(String root) {
        this.root = root;
        lines.add("jcs.default=");
        lines.add("jcs.default.cacheattributes=" + root + ".engine.CompositeCacheAttributes");
        lines.add("jcs.default.cacheattributes.MaxObjects=10000");
        lines.add("jcs.default.elementattributes=" + root + ".engine.ElementAttributes");
        lines.add("jcs.default.elementattributes.IsEternal=true");
    }

    void region(String name, String auxiliary) {
        lines.add("jcs.region." + name + "=" + auxiliary);
    }

    void auxiliary(String name, int listener, int peer) {
        lines.add("jcs.auxiliary." + name + "=" + root + ".auxiliary.lateral.socket.tcp.LateralTCPCacheFactory");
        lines.add("jcs.auxiliary." + name + ".attributes=" + root + ".auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes");
        set(name, "TransmissionTypeName", "TCP");
        set(name, "TcpListenerPort", Integer.toString(listener));
        set(name, "TcpServers", peer == 0 ? "" : "127.0.0.1:" + peer);
        set(name, "UdpDiscoveryEnabled", "false");
        set(name, "EventQueueType", "SINGLE");
    }

    void set(String auxiliary, String attribute, String value) {
        lines.removeIf(l -> l.startsWith("jcs.auxiliary." + auxiliary + ".attributes." + attribute + "="));
        lines.add("jcs.auxiliary." + auxiliary + ".attributes." + attribute + "=" + value);
    }

    void discovery(String auxiliary) {
        set(auxiliary, "UdpDiscoveryEnabled", "true");
        set(auxiliary, "UdpDiscoveryAddr", GROUP);
        set(auxiliary, "UdpDiscoveryPort", Integer.toString(GROUP_PORT));
    }

    /** Has an auxiliary's frames wrapped: compressing, ecb or gcm. */
    void serializer(String name) {
        String s = "jcs.auxiliary." + name + ".serializer";
        lines.add(s + "=" + root + ".utils.serialization." + (name.equals("compressing") ? "CompressingSerializer" : "EncryptingSerializer"));
        if (!name.equals("compressing")) {
            lines.add(s + ".attributes.PreSharedKey=my_super_secret");
        }
        if (name.equals("gcm")) {
            lines.add(s + ".attributes.AesCipherTransformation=AES/GCM/NoPadding");
        }
    }

    void write(Path dir) throws Exception {
        Files.createDirectories(dir);
        Files.write(dir.resolve("cache.ccf"), lines);
    }
}
