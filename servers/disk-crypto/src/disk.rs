//! The disk below, through its server: requests in flight and their places in the data areas.

use alloc::vec::Vec;
use core::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    task::{Poll, Waker},
};

use block_api::{
    BLOCK_SIZE, Completion, Geometry, MAX_BLOCKS, Operation, Outcome, QUEUE_LENGTH, Refusal,
    Request,
};
use disk_crypto_core::{BlockDevice, DeviceError, tasks::block_on};
use runtime::{
    Notification,
    shared_memory::{
        Channel, ChannelError, Memory, OpenError, PushError, Receiver, RegionReader, RegionWriter,
        Sender,
    },
};

/// Bytes of a place in the data areas.
const PLACE_SIZE: usize = MAX_BLOCKS as usize * BLOCK_SIZE;

/// What is known of a place.
enum Place {
    Free,
    /// Somebody is about to send a request.
    Taken,
    InFlight(InFlight),
    Finished(Outcome),
}

/// A request that is not answered.
struct InFlight {
    request: Request,
    /// Whether it lies in the server's queue, or did: it does not if the server was started afresh since.
    is_sent: bool,
    waiting: Option<Waker>,
}

/// What changes.
struct State {
    requests: Sender<Request>,
    completions: Receiver<Completion>,
    places: [Place; QUEUE_LENGTH],
    waiting_for_place: Vec<Waker>,
    /// Some request in flight may not be sent.
    has_unsent: bool,
    /// The server broke the rules of the channel: nothing it says counts any more.
    is_cut_off: bool,
}

/// The channel to the disk's server.
pub(crate) struct Disk {
    channel: Channel,
    output: RegionWriter,
    input: RegionReader,
    state: RefCell<State>,
    owes_signal: Cell<bool>,
    block_count: Cell<u64>,
}

impl Disk {
    pub(crate) fn open(memory: &Memory) -> Result<Self, OpenError> {
        let channel = Channel::open(memory, "disk")?;
        let state = State {
            requests: channel.sender(QUEUE_LENGTH)?,
            completions: channel.receiver(QUEUE_LENGTH)?,
            places: [const { Place::Free }; QUEUE_LENGTH],
            waiting_for_place: Vec::new(),
            has_unsent: false,
            is_cut_off: false,
        };
        Ok(Self {
            channel,
            output: channel.output_data::<Request>(QUEUE_LENGTH),
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            state: RefCell::new(state),
            owes_signal: Cell::new(false),
            block_count: Cell::new(0),
        })
    }

    /// Runs `future` to its end while nothing else is to be done.
    pub(crate) fn wait_for<T>(
        &self,
        notification: Notification,
        future: impl Future<Output = T>,
    ) -> T {
        let mut future = core::pin::pin!(future);
        block_on(poll_fn(|context| {
            let result = future.as_mut().poll(context);
            if result.is_pending() {
                let _ = notification.wake_and_wait(self.whom_to_wake());
                self.take_completions();
            }
            result
        }))
    }

    /// Asks how large the disk is.
    pub(crate) async fn ask_size(&self) -> Result<(), DeviceError> {
        let place = self.free_place().await;
        self.request(place, Operation::Geometry, 0, 0).await?;
        let mut record = [0; Geometry::SIZE];
        let read = self.input.read_at(place * PLACE_SIZE, &mut record);
        self.release(place);
        read.map_err(|_| DeviceError)?;
        self.block_count
            .set(Geometry::from_bytes(record).block_count.get());
        Ok(())
    }

    /// Takes what the server has finished and wakes who waits for it.
    pub(crate) fn take_completions(&self) {
        let mut state = self.state.borrow_mut();
        loop {
            match state.completions.pop() {
                Ok(Some(completion)) => state.finish(&completion),
                Ok(None) => break,
                Err(ChannelError::PeerReset) => state.say_again(),
                Err(ChannelError::PeerMisbehaved) => return state.cut_off(),
            }
        }
        if state.has_unsent && state.send_unsent() {
            self.owes_signal.set(true);
        }
    }

    /// The channel to be signalled, if there is anything new for the server. Answers once.
    pub(crate) fn whom_to_wake(&self) -> Option<&Channel> {
        self.owes_signal.take().then_some(&self.channel)
    }

    /// Waits for a place that no request uses; it is taken from now on.
    async fn free_place(&self) -> usize {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            let mut places = state.places.iter();
            let Some(free) = places.position(|place| matches!(place, Place::Free)) else {
                state.waiting_for_place.push(context.waker().clone());
                return Poll::Pending;
            };
            state.places[free] = Place::Taken;
            Poll::Ready(free)
        })
        .await
    }

    fn release(&self, place: usize) {
        let mut state = self.state.borrow_mut();
        state.places[place] = Place::Free;
        if let Some(waiting) = state.waiting_for_place.pop() {
            waiting.wake();
        }
    }

    /// Sends the request of a place and waits for its end.
    async fn request(
        &self,
        place: usize,
        operation: Operation,
        block: u64,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        // Places are few and data areas small, so these numbers fit.
        let number = |value: usize| u32::try_from(value).map_err(|_| DeviceError);
        let request = Request {
            block,
            id: number(place)?,
            operation: operation as u32,
            count: number(bytes / BLOCK_SIZE)?,
            data: number(place * PLACE_SIZE)?,
        };
        {
            let mut state = self.state.borrow_mut();
            if state.is_cut_off {
                return Err(DeviceError);
            }
            state.places[place] = Place::InFlight(InFlight {
                request,
                is_sent: false,
                waiting: None,
            });
            if state.send(place) {
                self.owes_signal.set(true);
            }
        }
        poll_fn(|context| self.state.borrow_mut().poll(place, context.waker()))
            .await
            .map_err(|_: Refusal| DeviceError)
    }

    /// A request with data, in a place of its own.
    async fn transfer(
        &self,
        operation: Operation,
        block: u64,
        data: Data<'_>,
    ) -> Result<(), DeviceError> {
        let length = data.length();
        if length > PLACE_SIZE {
            return Err(DeviceError);
        }
        let place = self.free_place().await;
        let offset = place * PLACE_SIZE;
        let mut result = match &data {
            Data::Out(bytes) => self.output.write_at(offset, bytes).map_err(|_| DeviceError),
            Data::In(_) => Ok(()),
        };
        if result.is_ok() {
            result = self.request(place, operation, block, length).await;
        }
        if let (Ok(()), Data::In(bytes)) = (result, data) {
            result = self.input.read_at(offset, bytes).map_err(|_| DeviceError);
        }
        self.release(place);
        result
    }
}

/// The data of a request.
enum Data<'a> {
    In(&'a mut [u8]),
    Out(&'a [u8]),
}

impl Data<'_> {
    fn length(&self) -> usize {
        match self {
            Self::In(bytes) => bytes.len(),
            Self::Out(bytes) => bytes.len(),
        }
    }
}

impl State {
    fn poll(&mut self, place: usize, waker: &Waker) -> Poll<Outcome> {
        match &mut self.places[place] {
            Place::Finished(outcome) => Poll::Ready(*outcome),
            Place::InFlight(request) => {
                request.waiting = Some(waker.clone());
                Poll::Pending
            }
            Place::Free | Place::Taken => Poll::Ready(Err(Refusal::InputOutput)),
        }
    }

    fn finish(&mut self, completion: &Completion) {
        let place = usize::try_from(completion.id).ok();
        let place = place.and_then(|place| self.places.get_mut(place));
        // A completion of nothing that is in flight changes nothing.
        if let Some(place @ Place::InFlight(_)) = place {
            let finished = core::mem::replace(place, Place::Finished(completion.outcome()));
            if let Place::InFlight(request) = finished
                && let Some(waiting) = request.waiting
            {
                waiting.wake();
            }
        }
    }

    /// Sends the request of a place, or whatever is not sent; answers whether there is anything new for the server.
    fn send(&mut self, place: usize) -> bool {
        if self.has_unsent {
            return self.send_unsent();
        }
        match self.push(place) {
            Ok(true) => true,
            Ok(false) => {
                self.has_unsent = true;
                false
            }
            Err(ChannelError::PeerReset) => {
                self.say_again();
                self.send_unsent()
            }
            Err(ChannelError::PeerMisbehaved) => {
                self.cut_off();
                false
            }
        }
    }

    /// Sends what is not sent, as soon as both ends of the channel have taken notice of the same server: what is said
    /// again is said once, as long as it lives.
    fn send_unsent(&mut self) -> bool {
        loop {
            match self.try_to_send_unsent() {
                Ok(sent) => return sent,
                Err(ChannelError::PeerReset) => self.say_again(),
                Err(ChannelError::PeerMisbehaved) => {
                    self.cut_off();
                    return false;
                }
            }
        }
    }

    fn try_to_send_unsent(&mut self) -> Result<bool, ChannelError> {
        self.requests.free()?;
        let (mut sent, mut left) = (false, false);
        for place in 0..QUEUE_LENGTH {
            if matches!(&self.places[place], Place::InFlight(request) if !request.is_sent) {
                let is_sent = self.push(place)?;
                sent |= is_sent;
                left |= !is_sent;
            }
        }
        self.has_unsent = left;
        Ok(sent)
    }

    /// Puts the request of a place into the server's queue; false if that has to wait.
    fn push(&mut self, place: usize) -> Result<bool, ChannelError> {
        let Place::InFlight(request) = &mut self.places[place] else {
            return Ok(true);
        };
        if self.requests.peer_life() != self.completions.peer_life() {
            return Ok(false);
        }
        match self.requests.push(&request.request) {
            Ok(()) => request.is_sent = true,
            Err(PushError::Full) => {}
            Err(PushError::PeerReset) => return Err(ChannelError::PeerReset),
            Err(PushError::PeerMisbehaved) => return Err(ChannelError::PeerMisbehaved),
        }
        Ok(request.is_sent)
    }

    /// The server was started afresh: it knows of no request. None of them is carried out any more, as it has reset
    /// its device first, and their data lie where they lay.
    fn say_again(&mut self) {
        for place in &mut self.places {
            if let Place::InFlight(request) = place {
                request.is_sent = false;
            }
        }
        self.has_unsent = true;
    }

    /// Fails everything that is in flight.
    fn cut_off(&mut self) {
        if !core::mem::replace(&mut self.is_cut_off, true) {
            runtime::println!("the disk's server broke the rules of its channel: the disk is gone");
        }
        for place in 0..QUEUE_LENGTH {
            let id = u32::try_from(place).unwrap_or(u32::MAX);
            self.finish(&Completion::new(id, Err(Refusal::InputOutput)));
        }
    }
}

impl BlockDevice for Disk {
    fn block_count(&self) -> u64 {
        self.block_count.get()
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        self.transfer(Operation::Read, first, Data::In(data)).await
    }

    async fn write(&self, first: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.transfer(Operation::Write, first, Data::Out(data))
            .await
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        let place = self.free_place().await;
        let result = self.request(place, Operation::Flush, 0, 0).await;
        self.release(place);
        result
    }
}
