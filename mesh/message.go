// SPDX-License-Identifier: Apache-2.0

package mesh

import "lateral/cache"

// Publish sends a message to the clients of every linked node that is not in
// told yet, and notes whom it was sent to: nodes may have several links. What a
// slow link has no room for is dropped; a message is delivered at most once.
func (m *Mesh) Publish(channel, message string, told map[cache.NodeID]bool) {
	p := appendText(appendText(nil, channel), message)
	if len(p) > maxMessage {
		return
	}
	f := appendFrame(nil, frameMessage, p)
	for _, p := range m.linked() {
		l := p.link()
		if l == nil || !l.peerHello.Messages || told[cache.NodeID(l.peerHello.Node)] {
			continue
		}
		if l.queueFrame(f) {
			told[cache.NodeID(l.peerHello.Node)] = true
			m.counters.messagesOut.Add(1)
		} else {
			m.counters.messagesDropped.Add(1)
		}
	}
}

func (l *link) takeMessage(s *scan) error {
	channel, message := s.text(maxMessage), s.text(maxMessage)
	if err := s.err(frameMessage); err != nil {
		return err
	}
	l.m.counters.messagesIn.Add(1)
	if l.m.c.Message != nil {
		l.m.c.Message(channel, message)
	}
	return nil
}
